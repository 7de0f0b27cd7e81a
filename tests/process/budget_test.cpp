// What windows take of the process, seen from outside: /proc/self/smaps, at every thousandth
// operation of a random load. Resident memory, addresses and mappings stay within the budget and a
// tenth, all that the window needs for itself included.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>

#include "kmapper/process.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSeesItself = false;  // the sanitizers' own memory grows meanwhile
#else
constexpr bool kSeesItself = true;
#endif

/// A budget's window has room for the most slots, in addresses that take up no memory.
constexpr std::int64_t kOwnAddresses = (KMAPPER_CHECKED != 0 ? 14 : 5) * kMiB;

struct Usage {
  std::int64_t addresses = 0;  // bytes
  std::int64_t resident = 0;   // bytes
  std::int64_t mappings = 0;
  std::int64_t page_tables = 0;  // bytes
};

std::int64_t kibibytes_in(const char* line, const char* name) {
  const std::size_t length = std::strlen(name);
  if (std::strncmp(line, name, length) != 0) return 0;
  long long value = 0;
  return std::sscanf(line + length, "%lld kB", &value) == 1 ? value * 1024 : 0;
}

Usage usage() {
  Usage usage;
  char line[512];
  std::FILE* file = std::fopen("/proc/self/smaps", "re");
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const std::int64_t size = kibibytes_in(line, "Size:");
    usage.addresses += size;
    usage.mappings += size != 0 ? 1 : 0;
    usage.resident += kibibytes_in(line, "Rss:");
  }
  std::fclose(file);
  file = std::fopen("/proc/self/status", "re");
  while (std::fgets(line, sizeof line, file) != nullptr)
    usage.page_tables += kibibytes_in(line, "VmPTE:");
  std::fclose(file);
  return usage;
}

/// A memory file of 2 MiB folios, where the kernel gives any.
void fill_with_large_folios(int descriptor, std::int64_t size) {
  void* const address = mmap64(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                               MAP_SHARED, descriptor, 0);
  ASSERT_NE(address, MAP_FAILED);
  madvise(address, static_cast<std::size_t>(size), MADV_HUGEPAGE);
  std::memset(address, 1, static_cast<std::size_t>(size));
  munmap(address, static_cast<std::size_t>(size));
}

struct Load {
  Options options;
  std::int64_t file_size;
  Access access;
  bool large_folios;
};

void play(const Load& load) {
  if (!kSeesItself) GTEST_SKIP() << "a sanitizer's memory cannot be told from the window's";
  const ScratchFile file(0);
  ASSERT_EQ(ftruncate64(file.descriptor(), load.file_size), 0);
  if (load.large_folios) {
    fill_with_large_folios(file.descriptor(), load.file_size);
  } else {
    for (std::int64_t at = 0; at < load.file_size; at += 4096)
      ASSERT_EQ(pwrite64(file.descriptor(), "x", 1, at), 1);
  }
  usage();  // whatever reading it needs is there now
  const Usage before = usage();
  const Budget budget(load.options);
  FileWindow window(file.descriptor(), load.access, budget);
  const std::int64_t bytes = load.options.bytes;
  const std::int64_t granules = bytes / budget.granule();
  std::mt19937_64 random(1);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t length = below(16) == 0 ? 1 + below(window.longest()) : 4096;
    const std::int64_t offset = below((load.file_size - length) / 4096) * 4096;
    const Expected<Mapping> mapping = window.map(offset, length);
    ASSERT_TRUE(mapping) << mapping.error().message();
    for (std::size_t at = 0; at < mapping->size(); at += 4096) {
      if (load.access == Access::read_write && below(2) == 0)
        mapping->writable()[at] = std::byte{2};
      else
        ASSERT_NE(mapping->bytes()[at], std::byte{0});
    }
    if (i % 1000 != 999) continue;
    const Usage now = usage();
    ASSERT_LE(now.resident + now.page_tables - before.resident - before.page_tables,
              bytes + bytes / 10);
    ASSERT_LE(now.mappings - before.mappings, granules + granules / 10);
    const Stats stats = budget.stats();
    ASSERT_LE(now.addresses - before.addresses, bytes + bytes / 10 + kOwnAddresses);
    ASSERT_LE(stats.mapped, bytes);
    ASSERT_LE(stats.overhead, bytes / 10);
  }
}

TEST(BudgetLimits, HoldForSmallGranules) {
  play({.options = {.bytes = 16 * kMiB, .granule = 4096},
        .file_size = 128 * kMiB,
        .access = Access::read_write,
        .large_folios = false});
}

TEST(BudgetLimits, HoldForLargeFoliosReadInSmallGranules) {
  play({.options = {.bytes = 16 * kMiB, .granule = 4096},
        .file_size = 128 * kMiB,
        .access = Access::read_only,
        .large_folios = true});
}

TEST(BudgetLimits, HoldForLargeGranules) {
  play({.options = {.bytes = 16 * kMiB, .granule = 65536},
        .file_size = 128 * kMiB,
        .access = Access::read_write,
        .large_folios = true});
}

}  // namespace
}  // namespace kmapper::process
