// The slot's word and page->virtual: pure functions on 32 bits.
#include "kmapper/core/slot.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace kmapper {
namespace {

constexpr std::uint32_t kFreshWord = word::kNotParked;  // as open() leaves it

TEST(SlotWord, AFreshSlotIsNeitherLiveNorIdleNorPinned) {
  EXPECT_FALSE(word::is_live(kFreshWord));
  EXPECT_FALSE(word::is_idle(kFreshWord));
  EXPECT_FALSE(word::is_pinned(kFreshWord));
  EXPECT_FALSE(word::is_parked(kFreshWord));
}

TEST(SlotWord, PublishingGivesTheFirstUserAndNoSecondChance) {
  const std::uint32_t published = word::published(kFreshWord);
  EXPECT_TRUE(word::is_live(published));
  EXPECT_TRUE(word::is_pinned(published));
  EXPECT_EQ(word::users(published), 2U);
  EXPECT_EQ(published & word::kReferenced, 0U);
  EXPECT_FALSE(word::is_parked(published));
}

TEST(SlotWord, TheLastKunmapLeavesTheSlotIdle) {
  const std::uint32_t idle = word::published(kFreshWord) - word::kUser;
  EXPECT_TRUE(word::is_idle(idle));
  EXPECT_FALSE(word::is_pinned(idle));
}

TEST(SlotWord, TakingASlotBackChangesItsGeneration) {
  const std::uint32_t idle = word::published(kFreshWord) - word::kUser;
  const std::uint32_t dead = word::dead_after(idle | word::kReferenced);
  EXPECT_FALSE(word::is_live(dead));
  EXPECT_EQ(word::users(dead), 0U);
  EXPECT_EQ(dead & word::kReferenced, 0U);
  EXPECT_NE(dead & ~word::kState, idle & ~word::kState);
}

TEST(SlotWord, GenerationsComeRoundAfterAllWereUsed) {
  constexpr std::uint32_t kGenerations = UINT32_MAX / word::kGeneration + 1;
  std::uint32_t dead = kFreshWord;
  for (std::uint32_t i = 1; i < kGenerations; ++i) {
    dead = word::dead_after(word::published(dead) - word::kUser);
    ASSERT_NE(dead, kFreshWord) << "generation " << i;
  }
  EXPECT_EQ(word::dead_after(word::published(dead) - word::kUser), kFreshWord);
}

TEST(SlotWord, UsersRunIntoSaturationAndNotIntoTheGeneration) {
  std::uint32_t pinned = word::published(kFreshWord);
  while ((pinned & word::kSaturated) == 0) pinned += word::kUser;
  EXPECT_EQ(word::users(pinned), 16'384U);
  EXPECT_TRUE(word::is_live(pinned));
  EXPECT_EQ(pinned & ~word::kState, word::published(kFreshWord) & ~word::kState);
}

TEST(SlotWord, OnlyALastUserOfAParkedSlotOrNoUserAtAllTakesTheSlowExit) {
  const auto takes_slow_exit = [](std::uint32_t word) {
    return static_cast<std::uint16_t>(word) < word::kSlowExit;
  };
  const std::uint32_t one_user = word::published(kFreshWord);
  EXPECT_FALSE(takes_slow_exit(one_user));
  EXPECT_FALSE(takes_slow_exit(one_user | word::kReferenced));
  EXPECT_FALSE(takes_slow_exit(one_user + word::kUser));
  EXPECT_FALSE(takes_slow_exit((one_user + word::kUser) & ~word::kNotParked));
  EXPECT_TRUE(takes_slow_exit(one_user & ~word::kNotParked));
  EXPECT_TRUE(takes_slow_exit((one_user & ~word::kNotParked) | word::kReferenced));
  EXPECT_TRUE(takes_slow_exit(one_user - word::kUser));
  EXPECT_TRUE(takes_slow_exit(word::kSentinel));
}

TEST(PageVirtual, NamesTheSlot) {
  for (const std::uint32_t number : {0U, 1U, 511U, 16'383U, 65'533U}) {
    const std::uint32_t value = page_virtual::make(SlotIndex{number}, kFreshWord);
    EXPECT_NE(value, page_virtual::kNone);
    EXPECT_EQ(page_virtual::slot(value), SlotIndex{number});
    EXPECT_EQ(page_virtual::entry(value), number + 1);
  }
}

TEST(PageVirtual, MatchesTheMappingThatItWasMadeFor) {
  const std::uint32_t value = page_virtual::make(SlotIndex{7}, kFreshWord);
  const std::uint32_t published = word::published(kFreshWord);
  EXPECT_TRUE(page_virtual::matches(value, published));
  EXPECT_TRUE(page_virtual::matches(value, (published - word::kUser) | word::kReferenced));
  EXPECT_EQ(page_virtual::expected_idle(value), (published - word::kUser) | word::kReferenced);
}

TEST(PageVirtual, DoesNotMatchADeadSlotOrAnotherGeneration) {
  const std::uint32_t value = page_virtual::make(SlotIndex{7}, kFreshWord);
  const std::uint32_t dead = word::dead_after(word::published(kFreshWord) - word::kUser);
  EXPECT_FALSE(page_virtual::matches(value, kFreshWord));
  EXPECT_FALSE(page_virtual::matches(value, dead));
  EXPECT_FALSE(page_virtual::matches(value, word::published(dead)));
}

TEST(PageVirtual, DoesNotMatchASaturatedSlot) {
  const std::uint32_t value = page_virtual::make(SlotIndex{7}, kFreshWord);
  EXPECT_FALSE(page_virtual::matches(value, word::published(kFreshWord) | word::kSaturated));
}

TEST(PageVirtual, NothingMatchesTheSentinel) {
  // All generations, live as every PageVirtual is; the sentinel after up to 1,000 stray kunmaps.
  for (std::uint64_t generation = 0; generation <= UINT32_MAX; generation += word::kGeneration) {
    const std::uint32_t value =
        page_virtual::make(SlotIndex{0}, static_cast<std::uint32_t>(generation) | word::kNotParked);
    for (std::uint32_t strays = 0; strays < 1'000; strays += 111)
      ASSERT_FALSE(page_virtual::matches(value, word::kSentinel - strays * word::kUser));
  }
}

}  // namespace
}  // namespace kmapper
