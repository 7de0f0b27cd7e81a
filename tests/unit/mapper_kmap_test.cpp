// kmap and kunmap as seen by one caller: low pages, hits, misses, and what stays mapped.
#include <gtest/gtest.h>

#include <set>

#include "kmapper/core/mapping.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

TEST(Kmap, KmapOfALowPageReturnsItsDirectAddress) {
  Window window(4);
  void* const address = window.mapper.kmap(window.low(2));
  EXPECT_EQ(address, direct_address(FrameIndex{2}));
  EXPECT_TRUE(window.shows(address, window.low(2)));
  window.mapper.kunmap(window.low(2));
  EXPECT_EQ(window.mapper.stats().misses, 0U);
}

TEST(Kmap, ALowPageTakesNoSlot) {
  Window window(1);
  void* const high = window.mapper.kmap(window.high(0));
  EXPECT_NE(window.mapper.kmap(window.low(0)), nullptr);
  EXPECT_NE(window.mapper.try_kmap(window.low(0)), nullptr);
  EXPECT_TRUE(window.shows(high, window.high(0)));
}

TEST(Kmap, AHighPageIsMappedInTheWindow) {
  Window window(4);
  void* const address = window.mapper.kmap(window.high(5));
  EXPECT_TRUE(window.shows(address, window.high(5)));
  EXPECT_EQ(window.mapper.find(window.high(5)), slot_at(address));
  EXPECT_EQ(window.users(window.high(5)), 1U);
  window.mapper.kunmap(window.high(5));
}

TEST(Kmap, KunmapLeavesThePageMapped) {
  Window window(4);
  window.touch(window.high(0));
  const SlotIndex slot = window.mapper.find(window.high(0));
  ASSERT_NE(slot, kNoSlot);
  EXPECT_TRUE(word::is_idle(window.mapper.inspect(slot).word));
  EXPECT_EQ(window.machine().mapped_frame(slot), window.high(0)->frame);
}

TEST(Kmap, KmapOfAnIdlePageRevivesItsSlot) {
  Window window(4);
  void* const before = window.mapper.kmap(window.high(0));
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.mapper.kmap(window.high(0)), before);
  EXPECT_EQ(window.mapper.stats().hits, 1U);
  EXPECT_EQ(window.mapper.stats().misses, 1U);
}

TEST(Kmap, HitKeepsTheAddress) {
  Window window(4);
  void* const address = window.mapper.kmap(window.high(0));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(window.mapper.kmap(window.high(0)), address);
  EXPECT_EQ(window.users(window.high(0)), 11U);
  for (int i = 0; i < 11; ++i) window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
}

TEST(Kmap, DifferentPagesGetDifferentSlots) {
  Window window(40);
  std::set<void*> addresses;
  for (std::uint32_t i = 0; i < 40; ++i) addresses.insert(window.mapper.kmap(window.high(i)));
  EXPECT_EQ(addresses.size(), 40U);
}

TEST(Kmap, KmapIfMappedPinsASlotThatThereIsAndTakesNone) {
  Window window(4);
  EXPECT_EQ(window.mapper.kmap_if_mapped(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  void* const address = window.mapper.kmap(window.high(0));
  EXPECT_EQ(window.mapper.kmap_if_mapped(window.high(0)), address);
  EXPECT_EQ(window.users(window.high(0)), 2U);
  window.mapper.kunmap(window.high(0));
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
  EXPECT_EQ(window.mapper.stats().misses, 1U);
  EXPECT_EQ(window.mapper.kmap_if_mapped(window.low(0)), window.mapper.kmap(window.low(0)));
}

TEST(Kmap, TryKmapNeverSleeps) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.try_kmap(window.high(1)), nullptr);
  EXPECT_EQ(window.mapper.stats().sleeps, 0U);
  window.mapper.kunmap(window.high(0));
  EXPECT_NE(window.mapper.try_kmap(window.high(1)), nullptr);
}

TEST(Kmap, TryKmapOfAMappedPageHits) {
  Window window(1);
  void* const address = window.mapper.kmap(window.high(0));
  EXPECT_EQ(window.mapper.try_kmap(window.high(0)), address);
}

TEST(Kmap, TryKmapWithInterruptsOffTakesACleanSlotButNeverFlushes) {
  Window window(2);
  window.touch(window.high(0));
  const HostThreads::InterruptsOff off(window.threads());
  EXPECT_NE(window.mapper.try_kmap(window.high(1)), nullptr);  // the clean one
  EXPECT_EQ(window.mapper.try_kmap(window.high(2)), nullptr);  // the other would need a flush
  EXPECT_NE(window.mapper.try_kmap(window.high(0)), nullptr);  // a hit needs none
}

TEST(Kmap, AnAddressInsideThePageUnmapsIt) {
  Window window(4);
  void* const address = window.mapper.kmap(window.high(3));
  window.mapper.kunmap_address(static_cast<std::byte*>(address) + kPageSize - 1);
  EXPECT_EQ(window.users(window.high(3)), 0U);
  EXPECT_TRUE(window.computer().reports().empty());
}

TEST(Kmap, KunmapOfADirectAddressDoesNothing) {
  Window window(4);
  window.mapper.kunmap_address(window.mapper.kmap(window.low(1)));
  EXPECT_TRUE(window.computer().reports().empty());
}

TEST(Kmap, ASlotRemembersWhoTookItFromIdle) {
  Window window(4);
  window.threads().set_tick(17);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  const auto view = window.mapper.inspect(window.mapper.find(window.high(0)));
  EXPECT_EQ(view.page, window.high(0));
  EXPECT_EQ(view.holder, (Stamp{1, 17}));
}

TEST(Mapping, UnmapsWhenItDies) {
  Window window(4);
  {
    const Mapping mapping(window.mapper, window.high(0));
    EXPECT_TRUE(window.shows(mapping.address(), window.high(0)));
    EXPECT_EQ(mapping.page(), window.high(0));
    EXPECT_EQ(window.users(window.high(0)), 1U);
  }
  EXPECT_EQ(window.users(window.high(0)), 0U);
}

TEST(Mapping, MovesWithoutMappingAgain) {
  Window window(4);
  Mapping first(window.mapper, window.high(0));
  Mapping second(std::move(first));
  EXPECT_FALSE(first);  // moved from
  EXPECT_TRUE(second);
  EXPECT_EQ(window.users(window.high(0)), 1U);
}

TEST(Mapping, AssignmentGivesTheOldPageBack) {
  Window window(4);
  Mapping mapping(window.mapper, window.high(0));
  mapping = Mapping(window.mapper, window.high(1));
  EXPECT_EQ(window.users(window.high(0)), 0U);
  EXPECT_EQ(window.users(window.high(1)), 1U);
}

TEST(Mapping, IsFalseWhereTryKmapIsNull) {
  Window window(1);
  const Mapping holds(window.mapper, window.high(0));
  EXPECT_FALSE(Mapping<Platform<HostThreads>>::try_map(window.mapper, window.high(1)));
  EXPECT_TRUE(Mapping<Platform<HostThreads>>::try_map(window.mapper, window.high(0)));
}

}  // namespace
}  // namespace kmapper::simulated
