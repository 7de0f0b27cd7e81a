// A small budget costs little memory, and no budget needs more than its size.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/core/impl/mapper.hpp"
#include "kmapper/process/process.hpp"
#include "process/window/arena.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kKiB = 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSeesItself = false;
#else
constexpr bool kSeesItself = true;
#endif

/// Bytes of private memory that is present.
std::int64_t own_memory() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::int64_t present = 0;
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), maps) != nullptr) {
    unsigned long begin = 0;
    unsigned long end = 0;
    std::array<char, 8> rights{};
    if (std::sscanf(line.data(), "%lx-%lx %7s", &begin, &end, rights.data()) != 3) continue;
    if (std::strcmp(rights.data(), "rw-p") != 0) continue;
    std::vector<unsigned char> pages((end - begin) / page);
    if (mincore(reinterpret_cast<void*>(begin), end - begin, pages.data()) != 0) continue;
    for (const unsigned char it : pages)
      present += (it & 1) != 0 ? static_cast<std::int64_t>(page) : 0;
  }
  std::fclose(maps);
  return present;
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(SmallBudget, TouchesLittleMemoryWhenItIsMade) {
  if (!kSeesItself) GTEST_SKIP() << "a sanitizer's memory cannot be told from the window's";
  const Options options{.bytes = 64 * kKiB};
  const int ended = in_a_child([&] {
    if (options.bytes < 16 * sysconf(_SC_PAGESIZE)) return 77;
    { const Budget first(options); }  // what is made only once
    const std::int64_t before = own_memory();
    const long faults_before = page_faults();
    const Budget budget(options);
    const long faults = page_faults() - faults_before;
    const std::int64_t touched = own_memory() - before;
    if (touched > 256 * kKiB) return 1;
    if (faults > 64) return 2;  // pages that were touched, and perhaps given back
    return touched <= budget.stats().overhead ? 0 : 3;
  });
  if (ended == 77) GTEST_SKIP() << "pages are larger here";
  EXPECT_EQ(ended, 0);
}

TEST(SmallBudget, NeedsNoMoreMemoryThanItSays) {
  if (!kSeesItself) GTEST_SKIP() << "a sanitizer's memory cannot be told from the window's";
  const std::int64_t page = sysconf(_SC_PAGESIZE);
  const ScratchFile file(2000 * page);
  for (const std::int64_t granules : {16, 64, 1024}) {
    const std::int64_t before = own_memory();
    // Copies are private memory, too.
    const Budget budget({.bytes = granules * page, .granule = page, .placement = Placement::slots});
    FileWindow window(file.descriptor(), Access::read_only, budget);
    for (std::int64_t i = 0; i < 4000; ++i) ASSERT_TRUE(window.map(i * 997 % 2000 * page, 1));
    for (std::int64_t i = 1; i < 100; ++i) ASSERT_TRUE(window.map(i * page - 1, 2));
    EXPECT_LE(own_memory() - before, budget.stats().overhead + 8 * page) << granules;
  }
}

}  // namespace
}  // namespace kmapper::process
