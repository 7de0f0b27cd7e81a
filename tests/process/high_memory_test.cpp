#include "kmapper/process/high_memory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace kmapper::process {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;

Budget small_budget() { return Budget({.bytes = 64 * kKiB, .granule = 4 * kKiB}); }

bool is_zero(std::span<const std::byte> bytes) {
  return bytes[0] == std::byte{0} && std::memcmp(&bytes[0], &bytes[1], bytes.size() - 1) == 0;
}

TEST(HighMemory, PagesAreZerosAndDiffer) {
  HighMemory memory(small_budget());
  std::set<HighPage> pages;
  for (int i = 0; i < 1000; ++i) {
    const Expected<HighPage> page = memory.allocate();
    ASSERT_TRUE(page);
    const Expected<Mapping> mapping = memory.map(*page);
    ASSERT_TRUE(mapping);
    ASSERT_TRUE(is_zero(mapping->bytes()));
    mapping->writable()[0] = std::byte{1};
    pages.insert(*page);
  }
  EXPECT_EQ(pages.size(), 1000U);
  EXPECT_EQ(memory.allocated(), 1000);
}

TEST(HighMemory, APageKeepsWhatIsWritten) {
  HighMemory memory(small_budget());
  std::vector<HighPage> pages;
  for (std::uint32_t i = 0; i < 500; ++i) {
    pages.push_back(*memory.allocate());
    std::memcpy(memory.map(pages.back())->data(), &i, sizeof i);
  }
  for (std::uint32_t i = 0; i < 500; ++i) {
    std::uint32_t found = 0;
    std::memcpy(&found, memory.map(pages[i])->data(), sizeof found);
    EXPECT_EQ(found, i);
  }
}

TEST(HighMemory, AFreedPageIsZerosWhenItIsAllocatedAgain) {
  HighMemory memory(small_budget());
  const HighPage page = *memory.allocate();
  std::memset(memory.map(page)->data(), 7, 4096);
  EXPECT_FALSE(memory.free(page));
  EXPECT_EQ(memory.allocated(), 0);
  const HighPage again = *memory.allocate();
  EXPECT_EQ(again, page);
  EXPECT_TRUE(is_zero(memory.map(again)->bytes()));
}

TEST(HighMemory, APinnedPageIsNotFreed) {
  HighMemory memory(small_budget());
  const HighPage page = *memory.allocate();
  {
    const Expected<Mapping> mapping = memory.map(page);
    mapping->writable()[5] = std::byte{5};
    EXPECT_EQ(memory.free(page).code(), WindowErrc::pinned);
    EXPECT_EQ(mapping->bytes()[5], std::byte{5});
  }
  EXPECT_FALSE(memory.free(page));
}

TEST(HighMemory, APageIsFreedOnce) {
  HighMemory memory(small_budget());
  const HighPage page = *memory.allocate();
  EXPECT_FALSE(memory.free(page));
  EXPECT_EQ(memory.free(page).code(), WindowErrc::invalid_range);
  EXPECT_EQ(memory.free(HighPage{1U << 30}).code(), WindowErrc::invalid_range);
}

// More than the addresses of a 32-bit process; a page of 64 KiB takes up as much memory as was
// written.
TEST(HighMemory, AProcessMayHave5GiB) {
  const Budget budget({.bytes = 16 * kMiB, .granule = 64 * kKiB});
  HighMemory memory(budget);
  constexpr std::uint64_t kPages = 5ULL << 30 >> 16;
  for (std::uint64_t i = 0; i < kPages; ++i) {
    const Expected<HighPage> page = memory.allocate();
    ASSERT_TRUE(page) << page.error().message();
    ASSERT_EQ(static_cast<std::uint64_t>(*page), i);
    std::memcpy(memory.map(*page)->data(), &i, sizeof i);
  }
  EXPECT_EQ(memory.allocated() * memory.page_size(), 5LL << 30);
  for (std::uint64_t i = 0; i < kPages; i += 97) {
    std::uint64_t found = 0;
    std::memcpy(&found, memory.map(HighPage{i})->data(), sizeof found);
    ASSERT_EQ(found, i);
  }
  EXPECT_LE(budget.stats().mapped, 16 * kMiB);
}

}  // namespace
}  // namespace kmapper::process
