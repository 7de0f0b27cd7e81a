// How many addresses files take at home: as many as their lengths, and all together a share of the
// process's addresses.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <vector>

#include "in_a_child.hpp"
#include "kmapper/process/process.hpp"
#include "process_addresses.hpp"
#include "scratch_file.hpp"

namespace kmapper::process {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kPage = 4096;

TEST(HomeAddresses, AreInProportionToTheFiles) {
  constexpr std::size_t kFiles = 300;
  const ScratchFile file(kPage);
  const Budget budget({.bytes = 64 * kMiB, .granule = 64 << 10, .placement = Placement::home});
  std::vector<FileWindow> windows;
  windows.reserve(kFiles);
  const std::int64_t before = address_bytes();
  if (before == 0) GTEST_SKIP() << "the kernel does not say what is mapped";
  for (std::size_t i = 0; i < kFiles; ++i)
    windows.emplace_back(file.descriptor(), Access::read_write, budget);
  EXPECT_LT(address_bytes() - before, static_cast<std::int64_t>(kFiles) * kMiB);
  const Expected<Mapping> mapping = windows.back().map(10, 100);
  ASSERT_TRUE(mapping);
  EXPECT_TRUE(shows(mapping->bytes(), 10));
}

// All files are mapped; those that get no home are mapped in slots.
TEST(HomeAddresses, LeaveMostOfALimitToOthers) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs addresses of its own";
#endif
  const int ended = in_a_child([] {
    constexpr std::int64_t kFile = 64 * kMiB;
    constexpr std::int64_t kLimit = 512 * kMiB;
    const ScratchFile file(0);
    if (ftruncate64(file.descriptor(), kFile) != 0) return 1;
    const std::byte last = byte_at(kFile - 1);
    if (pwrite64(file.descriptor(), &last, 1, kFile - 1) != 1) return 2;
    const Budget budget({.bytes = 64 * kMiB});
    const auto most = static_cast<rlim_t>(address_bytes() + kLimit);
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 3;
    constexpr int kWindows = 20;
    std::vector<FileWindow> windows;
    windows.reserve(kWindows);
    for (int i = 0; i < kWindows; ++i)
      windows.emplace_back(file.descriptor(), Access::read_write, budget);
    for (FileWindow& it : windows) {
      const Expected<Mapping> mapping = it.map(kFile - 1, 1);
      if (!mapping || !shows(mapping->bytes(), kFile - 1)) return 4;
    }
    return mmap(nullptr, kLimit / 4, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
               ? 0
               : 5;
  });
  EXPECT_EQ(ended, 0);
}

// Neighbours at home are neighbours in memory, whatever the order in which they are mapped, except
// where one extent ends and the next begins.
TEST(HomeAddresses, AreFoundForAFileThatGrows) {
  const ScratchFile file(0);
  const Budget budget({.bytes = 8 * kMiB, .granule = kPage, .placement = Placement::home});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  ASSERT_FALSE(window.resize(kPage));
  const Expected<Mapping> first = window.map(0, kPage);
  first->writable()[0] = std::byte{9};
  std::int64_t size = 1;  // pages
  while (size < 4096) {
    size += size / 3 + 1;
    ASSERT_FALSE(window.resize(size * kPage));
  }
  const std::byte* above = window.map((size - 1) * kPage, 1)->data();
  int breaks = 0;
  for (std::int64_t i = size - 2; i >= 0; --i) {
    const Expected<Mapping> mapping = window.map(i * kPage, 1);
    ASSERT_TRUE(mapping);
    mapping->writable()[8] = byte_at(i);
    breaks += above - mapping->data() != kPage ? 1 : 0;
    above = mapping->data();
  }
  EXPECT_LT(breaks, 12);
  EXPECT_EQ(window.map(0, 1)->data(), first->data());
  EXPECT_EQ(first->bytes()[0], std::byte{9});
  for (std::int64_t i = 0; i < size - 1; i += 7)
    EXPECT_EQ(window.map(i * kPage + 8, 1)->bytes()[0], byte_at(i));
}

// Each extent is as long as all extents before it, or as long as needed.
TEST(HomeAddresses, OfAFileThatGrowsAllTheTimeAreAtMostTwiceItsSize) {
  const ScratchFile file(0);
  const Budget budget({.bytes = 64 * kMiB, .granule = 64 << 10, .placement = Placement::home});
  FileWindow window(file.descriptor(), Access::read_write, budget);
  const std::int64_t before = address_bytes();
  if (before == 0) GTEST_SKIP() << "the kernel does not say what is mapped";
  for (std::int64_t size = kMiB; size <= 256 * kMiB; size += kMiB)
    ASSERT_FALSE(window.resize(size));
  EXPECT_LT(address_bytes() - before, 600 * kMiB);
}

}  // namespace
}  // namespace kmapper::process
