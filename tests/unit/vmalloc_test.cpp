// vmalloc as one caller sees it: what it allocates, when memory is free again, and what it refuses.
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kmapper/core/vmalloc.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kPages = 16;   // of the range
constexpr std::uint32_t kMemory = 12;  // pages that vmalloc has

class VmallocTest : public testing::Test {
 protected:
  using Range = VmallocRange<Platform<HostThreads>>;
  using Page = Window::Page;

  VmallocTest() {
    range_->open(kPages);
    for (std::uint32_t i = 0; i < kMemory; ++i) computer_.put_free_page(computer_.high_page(i));
  }
  ~VmallocTest() override { EXPECT_EQ(computer_.machine().faults().text(), expected_faults_); }

  [[nodiscard]] std::byte* allocate(std::uint32_t pages) {
    return static_cast<std::byte*>(*range_->vmalloc(pages));
  }
  void touch(std::byte* area, std::uint32_t pages) {
    for (std::uint32_t i = 0; i < pages; ++i) computer_.write(area + i * kPageSize, i);
  }
  [[nodiscard]] std::size_t free_pages() const { return computer_.free_pages(); }
  [[nodiscard]] std::vector<Misuse> reported() const {
    std::vector<Misuse> all;
    for (const auto& report : computer_.reports()) all.push_back(report.what);
    return all;
  }

  Computer<HostThreads> computer_{
      {.cpus = 2, .slots = 1, .low_frames = 1, .high_frames = 32, .vmap_pages = kPages}};
  HostThreads::Attachment attachment_{computer_.threads(), CpuIndex{0}};
  std::unique_ptr<Range> range_ = std::make_unique<Range>(computer_.platform());
  std::string expected_faults_{};
};

TEST_F(VmallocTest, AnAreaKeepsWhatIsWrittenToEachOfItsPages) {
  std::byte* const area = allocate(5);
  ASSERT_NE(area, nullptr);
  EXPECT_EQ(free_pages(), kMemory - 5);
  touch(area, 5);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(computer_.read(area + i * kPageSize), i);
  range_->vfree(area);
}

TEST_F(VmallocTest, APageThatIsNeverMappedLiesBehindEachArea) {
  std::byte* const first = allocate(2);
  std::byte* const second = allocate(2);
  EXPECT_EQ(second - first, static_cast<std::ptrdiff_t>(3 * kPageSize));
  EXPECT_FALSE(computer_.machine().vmap().mapped_frame(SlotIndex{2}).has_value());
  range_->vfree(first);
  range_->vfree(second);
}

TEST_F(VmallocTest, MemoryWithoutAnAccessIsFreeAtOnce) {
  range_->vfree(allocate(5));
  EXPECT_EQ(free_pages(), kMemory);
  EXPECT_EQ(range_->usage().waiting_pages, 0U);
  EXPECT_EQ(range_->usage().flushes, 0U);
}

TEST_F(VmallocTest, MemoryThatWasAccessedWaitsForTheFlush) {
  std::byte* const area = allocate(5);
  touch(area, 1);
  range_->vfree(area);
  EXPECT_EQ(free_pages(), kMemory - 5);
  EXPECT_EQ(range_->usage().waiting_pages, 5U);
  EXPECT_EQ(range_->usage().dirty_pages, 6U);
  range_->flush();
  EXPECT_EQ(free_pages(), kMemory);
  EXPECT_EQ(range_->usage().waiting_pages, 0U);
}

TEST_F(VmallocTest, AllMemoryComesBackWhenAreasOfBothKindsShareAFlush) {
  std::byte* const owned = allocate(3);
  const std::vector<Page> pages{computer_.high_page(kMemory), computer_.high_page(kMemory + 1)};
  auto* const mapped = static_cast<std::byte*>(*range_->vmap(pages));
  touch(owned, 3);
  touch(mapped, 2);
  range_->vunmap(mapped);
  range_->vfree(owned);
  range_->flush();
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, WhenMemoryRunsOutWhatWaitsIsFreedFirst) {
  std::byte* const area = allocate(8);
  touch(area, 8);
  range_->vfree(area);
  EXPECT_EQ(free_pages(), kMemory - 8);
  std::byte* const next = allocate(6);
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(range_->usage().flushes, 1U);
  range_->vfree(next);
}

TEST_F(VmallocTest, MoreThanThereIsOfMemoryIsRefusedAndLeavesNothingBehind) {
  EXPECT_EQ(range_->vmalloc(kMemory + 1).error(), MapError::no_memory);
  EXPECT_EQ(free_pages(), kMemory);
  EXPECT_EQ(range_->usage().areas, 0U);
  EXPECT_EQ(range_->usage().largest_run, kPages);
  std::byte* const area = allocate(kMemory);
  ASSERT_NE(area, nullptr);
  range_->vfree(area);
}

TEST_F(VmallocTest, MoreThanTheRangeIsRefusedBeforeMemoryIsTaken) {
  EXPECT_EQ(range_->vmalloc(kPages).error(), MapError::too_large);
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, MoreThanAnyRangeIsRefusedAtOnce) {
  EXPECT_EQ(range_->vmalloc(UINT32_MAX).error(), MapError::too_large);
  EXPECT_EQ(range_->vmalloc(UINT32_MAX - 1).error(), MapError::too_large);
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, NoPagesAreAnAreaOfTheGuardAlone) {
  std::byte* const area = allocate(0);
  ASSERT_NE(area, nullptr);
  EXPECT_FALSE(computer_.machine().vmap().mapped_frame(SlotIndex{0}).has_value());
  range_->vfree(area);
  EXPECT_EQ(range_->usage().largest_run, kPages);
  EXPECT_TRUE(reported().empty());
}

TEST_F(VmallocTest, AFullRangeRefusesBeforeMemoryIsTaken) {
  std::byte* const area = allocate(11);
  EXPECT_EQ(range_->vmalloc(4).error(), MapError::no_room);
  EXPECT_EQ(free_pages(), kMemory - 11);
  range_->vfree(area);
}

TEST_F(VmallocTest, WithInterruptsOffMemoryWaitsAndNothingIsFlushed) {
  std::byte* const area = allocate(kMemory);
  {
    auto platform = computer_.platform();
    const Platform<HostThreads>::InterruptsOff off(platform);
    range_->vfree(area);  // without an access, and yet the allocator may not be called
    EXPECT_EQ(free_pages(), 0U);
    EXPECT_EQ(range_->vmalloc(2).error(), MapError::would_sleep);
    EXPECT_FALSE(range_->free_waiting());
  }
  range_->flush();
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, AFailureHalfWayWithInterruptsOffGivesAllBackAfterTheFlush) {
  std::byte* const most = allocate(kMemory - 2);
  {
    auto platform = computer_.platform();
    const Platform<HostThreads>::InterruptsOff off(platform);
    EXPECT_EQ(range_->vmalloc(3).error(), MapError::no_memory);
    EXPECT_EQ(range_->usage().waiting_pages, 2U);
  }
  EXPECT_TRUE(range_->free_waiting());
  EXPECT_EQ(free_pages(), 2U);
  range_->vfree(most);
}

TEST_F(VmallocTest, AnAllocatorFreesWhatWaitsByOneFlushAndFlushesNothingElse) {
  std::byte* const area = allocate(4);
  touch(area, 4);
  range_->vfree(area);
  EXPECT_TRUE(range_->free_waiting());
  EXPECT_EQ(free_pages(), kMemory);
  void* const mapped = *range_->vmap(std::vector<Page>{computer_.high_page(kMemory)});
  touch(static_cast<std::byte*>(mapped), 1);
  range_->vunmap(mapped);
  EXPECT_FALSE(range_->free_waiting());  // dirty, but no memory waits
  EXPECT_EQ(range_->usage().flushes, 1U);
}

TEST_F(VmallocTest, FreeingTwiceIsReportedAndDoesNothing) {
  std::byte* const area = allocate(2);
  range_->vfree(area);
  range_->vfree(area);
  EXPECT_EQ(reported(), std::vector{Misuse::vfree_wrong_address});
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, AnAddressWithinAnAreaIsReported) {
  std::byte* const area = allocate(2);
  range_->vfree(area + kPageSize);
  range_->vfree(area + 1);
  range_->vfree(nullptr);
  EXPECT_EQ(reported(), (std::vector{Misuse::vfree_wrong_address, Misuse::vfree_wrong_address,
                                     Misuse::vfree_wrong_address}));
  range_->vfree(area);
  EXPECT_EQ(free_pages(), kMemory);
}

TEST_F(VmallocTest, EachKindOfAreaIsUnmappedByItsOwnCall) {
  std::byte* const owned = allocate(2);
  void* const mapped = *range_->vmap(std::vector<Page>{computer_.high_page(kMemory)});
  range_->vunmap(owned);
  range_->vfree(mapped);
  EXPECT_EQ(reported(), (std::vector{Misuse::vunmap_wrong_address, Misuse::vfree_wrong_address}));
  EXPECT_EQ(range_->usage().areas, 2U);
  range_->vfree(owned);
  range_->vunmap(mapped);
  EXPECT_EQ(range_->usage().areas, 0U);
}

// The machine looks into the TLBs when a page is freed: else the other tests show nothing.
TEST_F(VmallocTest, AFlushThatDoesNothingIsFound) {
  std::byte* const area = allocate(1);
  touch(area, 1);
  range_->vfree(area);
  computer_.machine().sabotage().vmap_flush_dropped.strike_every(1);
  range_->flush();
  expected_faults_ = computer_.machine().faults().text();
  EXPECT_NE(expected_faults_.find("is free, but CPU 0's TLB maps it at vmap page 0"),
            std::string::npos)
      << expected_faults_;
}

TEST_F(VmallocTest, TheSizeOfAnAreaIsKnown) {
  std::byte* const area = allocate(3);
  EXPECT_EQ(range_->area_at(VmapPage{0}), 4U);
  range_->vfree(area);
  EXPECT_EQ(range_->area_at(VmapPage{0}), 0U);
}

}  // namespace
}  // namespace kmapper::simulated
