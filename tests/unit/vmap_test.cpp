// vmap as seen by one caller: where areas lie, when they are flushed, and how a full or fragmented
// range behaves.
#include "kmapper/core/vmap.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "repeat.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kPages = 16;  // of the range, in most tests

/// The test's own thread, and a vmap range.
class VmapTest : public testing::Test {
 protected:
  using Range = VmapRange<Platform<HostThreads>>;
  using Page = Window::Page;

  explicit VmapTest(std::uint32_t pages = kPages)
      : computer_({.cpus = 2, .slots = 1, .low_frames = 4, .high_frames = 64, .vmap_pages = pages}),
        attachment_(computer_.threads(), CpuIndex{0}) {
    range_->open(pages);
    for (std::uint32_t i = 0; i < computer_.machine().frame_count(); ++i)
      computer_.machine().poke(FrameIndex{i}, 0, i);
  }
  ~VmapTest() override { EXPECT_EQ(computer_.machine().faults().text(), ""); }

  /// High pages from number `first` on.
  [[nodiscard]] std::vector<Page> high(std::uint32_t first, std::uint32_t count) {
    std::vector<Page> pages;
    for (std::uint32_t i = 0; i < count; ++i) pages.push_back(computer_.high_page(first + i));
    return pages;
  }
  /// Maps the pages; null if vmap refuses.
  [[nodiscard]] void* map(const std::vector<Page>& pages) { return *range_->vmap(pages); }
  [[nodiscard]] void* map(std::uint32_t count) { return map(high(0, count)); }
  /// Whether the addresses show these pages, in order.
  [[nodiscard]] bool shows(void* address, const std::vector<Page>& pages) {
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (computer_.read(static_cast<std::byte*>(address) + i * kPageSize) !=
          to_number(pages[i]->frame))
        return false;
    }
    return true;
  }
  /// Maps, uses and unmaps an area.
  void use(std::uint32_t count) {
    void* const address = map(count);
    ASSERT_TRUE(shows(address, high(0, count)));
    range_->vunmap(address);
  }

  Computer<HostThreads> computer_;
  HostThreads::Attachment attachment_;
  std::unique_ptr<Range> range_ = std::make_unique<Range>(computer_.platform());
};

TEST_F(VmapTest, PagesLieAtConsecutiveAddressesInTheirOrder) {
  const std::vector<Page> pages{computer_.high_page(7), computer_.low_page(2),
                                computer_.high_page(3), computer_.high_page(7)};
  void* const address = map(pages);
  EXPECT_TRUE(shows(address, pages));
  range_->vunmap(address);
}

TEST_F(VmapTest, AreasLieApartByAPageThatMapsNothing) {
  void* const first = map(2);
  void* const second = map(2);
  EXPECT_EQ(static_cast<std::byte*>(second) - static_cast<std::byte*>(first),
            static_cast<std::ptrdiff_t>(3 * kPageSize));
  EXPECT_FALSE(computer_.machine().vmap().mapped_frame(SlotIndex{2}).has_value());
  range_->vunmap(second);
  range_->vunmap(first);
}

TEST_F(VmapTest, AnUnmappedAreaMapsNothing) {
  void* const address = map(3);
  range_->vunmap(address);
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_FALSE(computer_.machine().vmap().mapped_frame(SlotIndex{i}).has_value());
}

TEST_F(VmapTest, TheWholeRangeButOnePageIsMappedAtOnce) {
  const std::vector<Page> pages = high(0, kPages - 1);
  void* const address = map(pages);
  EXPECT_TRUE(shows(address, pages));
  range_->vunmap(address);
}

TEST_F(VmapTest, MoreThanTheRangeIsRefusedAtOnce) {
  EXPECT_EQ(range_->vmap(high(0, kPages)).error(), MapError::too_large);
}

TEST_F(VmapTest, NoPagesAreAnAreaToo) {
  void* const address = map(0);
  ASSERT_NE(address, nullptr);
  range_->vunmap(address);
  EXPECT_EQ(range_->usage().used_pages, 0U);
  EXPECT_TRUE(computer_.reports().empty());
}

TEST_F(VmapTest, AFullRangeRefusesAndLeavesNothingBehind) {
  void* const first = map(7);
  void* const second = map(7);
  EXPECT_EQ(range_->vmap(high(0, 1)).error(), MapError::no_room);
  EXPECT_EQ(range_->usage().areas, 2U);
  range_->vunmap(first);
  EXPECT_NE(map(7), nullptr);
  range_->vunmap(second);
}

TEST_F(VmapTest, ASmallAreaTakesTheHoleThatALargeOneCouldNot) {
  void* const first = map(1);
  void* const hole = map(1);
  void* const third = map(1);
  range_->vunmap(hole);
  void* const large = map(2);
  EXPECT_GT(large, third);
  EXPECT_EQ(map(1), hole);
  for (void* const area : {first, hole, third, large}) range_->vunmap(area);
}

// --- Flushes ---

TEST_F(VmapTest, AnAreaThatWasUsedIsNotReusedBeforeAFlush) {
  for (std::uint32_t i = 0; i < 4; ++i) use(3);  // 16 pages
  EXPECT_EQ(range_->usage().flushes, 0U);
  EXPECT_EQ(range_->usage().dirty_pages, 16U);
  use(3);
  EXPECT_EQ(range_->usage().flushes, 1U);
  EXPECT_EQ(range_->usage().dirty_pages, 4U);
}

TEST_F(VmapTest, OneFlushServesAsManyAreasAsThereIsRoomFor) {
  for (std::uint32_t i = 0; i < 100; ++i) use(1);
  EXPECT_EQ(range_->usage().flushes, 100U * 2 / kPages);
}

TEST_F(VmapTest, AnAreaThatNobodyTouchedNeedsNoFlush) {
  for (std::uint32_t i = 0; i < 100; ++i) range_->vunmap(map(3));
  EXPECT_EQ(range_->usage().flushes, 0U);
  EXPECT_EQ(range_->usage().dirty_pages, 0U);
}

TEST_F(VmapTest, AnAreaThatAnotherCpuLookedAtIsFlushed) {
  void* const address = map(3);
  computer_.machine().vmap().speculate(CpuIndex{1}, SlotIndex{1});
  range_->vunmap(address);
  EXPECT_EQ(range_->usage().dirty_pages, 4U);
}

TEST_F(VmapTest, FlushMakesEverythingClean) {
  use(3);
  range_->flush();
  EXPECT_EQ(range_->usage().dirty_pages, 0U);
  for (std::uint32_t i = 0; i < 3; ++i)
    EXPECT_FALSE(computer_.machine().vmap().cached_frame(CpuIndex{0}, SlotIndex{i}).has_value());
  range_->flush();
  EXPECT_EQ(range_->usage().flushes, 1U);
}

TEST_F(VmapTest, WithInterruptsOffOnlyCleanPagesAreTaken) {
  use(14);
  const HostThreads::InterruptsOff off(computer_.threads());
  EXPECT_EQ(range_->vmap(high(0, 2)).error(), MapError::would_sleep);
  EXPECT_EQ(range_->vmap(high(0, 16)).error(), MapError::too_large);
  void* const address = map(0);  // the only clean page
  EXPECT_NE(address, nullptr);
  EXPECT_EQ(range_->usage().flushes, 0U);
  range_->vunmap(address);
}

TEST_F(VmapTest, WithInterruptsOffAFullRangeHasNoRoom) {
  void* const address = map(15);
  const HostThreads::InterruptsOff off(computer_.threads());
  EXPECT_EQ(range_->vmap(high(0, 1)).error(), MapError::no_room);
  range_->vunmap(address);
}

// --- Misuse ---

TEST_F(VmapTest, UnmappingTwiceIsReported) {
  void* const address = map(3);
  range_->vunmap(address);
  range_->vunmap(address);
  ASSERT_EQ(computer_.reports().size(), 1U);
  EXPECT_EQ(computer_.reports()[0].what, Misuse::vunmap_wrong_address);
  EXPECT_EQ(computer_.reports()[0].address, address);
  EXPECT_NE(computer_.reports()[0].caller, nullptr);
  EXPECT_EQ(range_->usage().areas, 0U);
}

TEST_F(VmapTest, AnAddressWhereNoAreaBeginsIsReported) {
  auto* const address = static_cast<std::byte*>(map(3));
  for (void* const wrong :
       {static_cast<void*>(address + kPageSize), static_cast<void*>(address + 8),
        static_cast<void*>(address - kPageSize), window_address(SlotIndex{0}),
        vmap_page_address(VmapPage{kPages})})
    range_->vunmap(wrong);
  EXPECT_EQ(computer_.reports().size(), 5U);
  EXPECT_TRUE(shows(address, high(0, 3)));
  range_->vunmap(address);
}

// --- Fragmentation ---

class VmapFragmentation : public VmapTest {
 protected:
  static constexpr std::uint32_t kRange = 4'096;
  static constexpr std::uint32_t kMost = 16;  // pages of an area

  VmapFragmentation() : VmapTest(kRange) {}
  ~VmapFragmentation() override {
    for (void* const area : areas_) range_->vunmap(area);
  }

  /// Maps an area of 1 to 16 pages, and sometimes touches it.
  MapError take() {
    const std::uint32_t count = random_.between(1, kMost);
    Result<void*> area = range_->vmap(high(0, count));
    if (!area) {
      last_refused_ = count;
      return area.error();
    }
    if (random_.one_in(2)) {
      EXPECT_TRUE(shows(*area, high(0, count)));
    }
    areas_.push_back(*area);
    return MapError::none;
  }
  void put_any_back() {
    const std::uint32_t chosen = random_.below(static_cast<std::uint32_t>(areas_.size()));
    range_->vunmap(std::exchange(areas_[chosen], areas_.back()));
    areas_.pop_back();
  }

  Random random_{1};
  std::vector<void*> areas_;
  std::uint32_t last_refused_ = 0;
};

// More holes than one call examines.
TEST_F(VmapFragmentation, ARunBehindManyHolesIsFound) {
  std::vector<void*> holes;
  for (std::uint32_t i = 0; i < 100; ++i) {
    holes.push_back(map(1));
    areas_.push_back(map(1));
  }
  for (void* const hole : holes) range_->vunmap(hole);
  areas_.push_back(map(2));
  EXPECT_EQ(areas_.back(), vmap_page_address(VmapPage{400}));
}

// Areas come and go at random for a long time, and none is refused.
TEST_F(VmapFragmentation, AThreeQuartersFullRangeNeverRefuses) {
  for (std::uint32_t i = 0; i < fewer(200'000); ++i) {
    while (range_->usage().used_pages > kRange * 3 / 4) put_any_back();
    ASSERT_EQ(take(), MapError::none)
        << "area " << i << ", with " << range_->usage().used_pages << " pages used, "
        << range_->usage().largest_run << " in the largest run";
  }
}

// Fills the range until it refuses, again and again: little is left then, and never more than the
// bound of vmap.hpp.
TEST_F(VmapFragmentation, ARangeIsNearlyFullBeforeItRefuses) {
  std::uint32_t least_used = kRange;
  for (std::uint32_t round = 0; round < 300; ++round) {
    MapError error = MapError::none;
    while (error == MapError::none) error = take();
    ASSERT_EQ(error, MapError::no_room);
    const auto usage = range_->usage();
    ASSERT_LE(kRange - usage.used_pages, last_refused_ * (usage.areas + 1));
    ASSERT_LE(usage.largest_run, last_refused_);
    least_used = std::min(least_used, usage.used_pages);
    for (std::uint32_t i = random_.between(1, usage.areas / 2); i != 0; --i) put_any_back();
  }
  RecordProperty("least_used_pages", static_cast<int>(least_used));
  EXPECT_GT(least_used, kRange * 8 / 10);
}

}  // namespace
}  // namespace kmapper::simulated
