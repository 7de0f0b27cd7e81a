// The slot's word and page->virtual: pure functions, on 32 bits and on 64.
#include "kmapper/core/slot.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace kmapper {
namespace {

template <class W>
constexpr W kFreshWord = word::kNotParked<W>;  // as open() leaves it

template <class W>
struct SlotWord : testing::Test {};
template <class W>
struct PageVirtual : testing::Test {};
struct NameOfWidth {
  template <class W>
  static std::string GetName(int) {  // NOLINT(readability-identifier-naming): GoogleTest calls it
    return std::to_string(8 * sizeof(W)) + "Bits";
  }
};
using Widths = testing::Types<std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(SlotWord, Widths, NameOfWidth);
TYPED_TEST_SUITE(PageVirtual, Widths, NameOfWidth);

TYPED_TEST(SlotWord, AFreshSlotIsNeitherLiveNorIdleNorPinned) {
  using W = TypeParam;
  EXPECT_FALSE(word::is_live(kFreshWord<W>));
  EXPECT_FALSE(word::is_idle(kFreshWord<W>));
  EXPECT_FALSE(word::is_pinned(kFreshWord<W>));
  EXPECT_FALSE(word::is_parked(kFreshWord<W>));
}

TYPED_TEST(SlotWord, PublishingGivesTheFirstUserAndNoSecondChance) {
  using W = TypeParam;
  const W published = word::published(kFreshWord<W>);
  EXPECT_TRUE(word::is_live(published));
  EXPECT_TRUE(word::is_pinned(published));
  EXPECT_EQ(word::users(published), 2U);
  EXPECT_EQ(published & word::kReferenced<W>, 0U);
  EXPECT_FALSE(word::is_parked(published));
}

TYPED_TEST(SlotWord, TheLastKunmapLeavesTheSlotIdle) {
  using W = TypeParam;
  const W idle = word::published(kFreshWord<W>) - word::kUser<W>;
  EXPECT_TRUE(word::is_idle(idle));
  EXPECT_FALSE(word::is_pinned(idle));
}

TYPED_TEST(SlotWord, TakingASlotBackChangesItsGeneration) {
  using W = TypeParam;
  const W idle = word::published(kFreshWord<W>) - word::kUser<W>;
  const W dead = word::dead_after(idle | word::kReferenced<W>);
  EXPECT_FALSE(word::is_live(dead));
  EXPECT_EQ(word::users(dead), 0U);
  EXPECT_EQ(dead & word::kReferenced<W>, 0U);
  EXPECT_NE(dead & ~word::kState<W>, idle & ~word::kState<W>);
}

TYPED_TEST(SlotWord, GenerationsComeRoundAfterAllWereUsed) {
  using W = TypeParam;
  constexpr std::uint64_t kGenerations =
      std::uint64_t{static_cast<W>(-1) / word::kGeneration<W>} + 1;
  constexpr std::uint64_t kTried = std::min<std::uint64_t>(kGenerations, 1 << 20);
  const auto next = [](W dead) { return word::dead_after(word::published(dead) - word::kUser<W>); };
  W dead = kFreshWord<W>;
  for (std::uint64_t i = 1; i < kTried; ++i) {
    dead = next(dead);
    ASSERT_NE(dead, kFreshWord<W>) << "generation " << i;
    ASSERT_EQ(word::generation(dead), i);
  }
  const W last = kFreshWord<W> + static_cast<W>(kGenerations - 1) * word::kGeneration<W>;
  EXPECT_EQ(next(last), kFreshWord<W>);
}

TYPED_TEST(SlotWord, UsersRunIntoSaturationAndNotIntoTheGeneration) {
  using W = TypeParam;
  constexpr W kMost = word::kSaturated<W> / word::kUser<W>;
  const W nearly = word::published(kFreshWord<W>) + (kMost - 3) * word::kUser<W>;
  EXPECT_EQ(nearly & word::kSaturated<W>, 0U);
  const W pinned = nearly + word::kUser<W>;
  EXPECT_NE(pinned & word::kSaturated<W>, 0U);
  EXPECT_EQ(word::users(pinned), kMost);
  EXPECT_TRUE(word::is_live(pinned));
  EXPECT_EQ(pinned & ~word::kState<W>, word::published(kFreshWord<W>) & ~word::kState<W>);
}

TYPED_TEST(SlotWord, OnlyALastUserOfAParkedSlotOrNoUserAtAllTakesTheSlowExit) {
  using W = TypeParam;
  const auto takes_slow_exit = [](W it) {
    return static_cast<word::Half<W>>(it) < word::kSlowExit<W>;
  };
  const W one_user = word::published(kFreshWord<W>);
  EXPECT_FALSE(takes_slow_exit(one_user));
  EXPECT_FALSE(takes_slow_exit(one_user | word::kReferenced<W>));
  EXPECT_FALSE(takes_slow_exit(one_user + word::kUser<W>));
  EXPECT_FALSE(takes_slow_exit((one_user + word::kUser<W>)&~word::kNotParked<W>));
  EXPECT_TRUE(takes_slow_exit(one_user & ~word::kNotParked<W>));
  EXPECT_TRUE(takes_slow_exit((one_user & ~word::kNotParked<W>) | word::kReferenced<W>));
  EXPECT_TRUE(takes_slow_exit(one_user - word::kUser<W>));
  EXPECT_TRUE(takes_slow_exit(word::kSentinel<W>));
}

TYPED_TEST(PageVirtual, NamesTheSlot) {
  using W = TypeParam;
  for (const std::uint32_t number : {0U, 1U, 511U, 16'383U, 65'533U}) {
    const W value = page_virtual::make(SlotIndex{number}, kFreshWord<W>);
    EXPECT_NE(value, page_virtual::kNone);
    EXPECT_EQ(page_virtual::slot(value), SlotIndex{number});
    EXPECT_EQ(page_virtual::entry(value), number + 1);
  }
}

TYPED_TEST(PageVirtual, MatchesTheMappingThatItWasMadeFor) {
  using W = TypeParam;
  const W value = page_virtual::make(SlotIndex{7}, kFreshWord<W>);
  const W published = word::published(kFreshWord<W>);
  EXPECT_TRUE(page_virtual::matches(value, published));
  EXPECT_TRUE(page_virtual::matches(value, (published - word::kUser<W>) | word::kReferenced<W>));
  EXPECT_EQ(page_virtual::expected_idle(value),
            (published - word::kUser<W>) | word::kReferenced<W>);
}

TYPED_TEST(PageVirtual, DoesNotMatchADeadSlotOrAnotherGeneration) {
  using W = TypeParam;
  const W value = page_virtual::make(SlotIndex{7}, kFreshWord<W>);
  const W dead = word::dead_after(word::published(kFreshWord<W>) - word::kUser<W>);
  EXPECT_FALSE(page_virtual::matches(value, kFreshWord<W>));
  EXPECT_FALSE(page_virtual::matches(value, dead));
  EXPECT_FALSE(page_virtual::matches(value, word::published(dead)));
}

TYPED_TEST(PageVirtual, DoesNotMatchASaturatedSlot) {
  using W = TypeParam;
  const W value = page_virtual::make(SlotIndex{7}, kFreshWord<W>);
  EXPECT_FALSE(page_virtual::matches(value, word::published(kFreshWord<W>) | word::kSaturated<W>));
}

TYPED_TEST(PageVirtual, NothingMatchesTheSentinel) {
  using W = TypeParam;
  // Generations, live as every PageVirtual is; the sentinel after up to 1,000 stray kunmaps.
  constexpr W kAll = static_cast<W>(-1) / word::kGeneration<W>;
  constexpr W kStep = kAll / 16'383;
  for (W generation = 0; generation <= kAll - kStep; generation += kStep) {
    const W value = page_virtual::make(
        SlotIndex{0}, static_cast<W>(generation * word::kGeneration<W>) | word::kNotParked<W>);
    for (W strays = 0; strays < 1'000; strays += 111)
      ASSERT_FALSE(page_virtual::matches(value, word::kSentinel<W> - strays * word::kUser<W>));
  }
}

}  // namespace
}  // namespace kmapper
