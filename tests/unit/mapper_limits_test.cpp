// The limits: one slot, the most slots, a generation that comes round, and statistics that add up.
#include <gtest/gtest.h>

#include "simulated/random.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

TEST(Limits, AWindowOfOneSlotServesAllPages) {
  Window window(1, 200);
  for (std::uint32_t i = 0; i < 200; ++i) window.touch(window.high(i));
  EXPECT_EQ(window.mapper.stats().misses, 200U);
}

TEST(Limits, AWindowOf16384SlotsMapsAsManyPages) {
  Window window(16'384, 16'400);
  for (std::uint32_t i = 0; i < 16'384; ++i)
    ASSERT_NE(window.mapper.try_kmap(window.high(i)), nullptr) << "page " << i;
  EXPECT_EQ(window.mapper.try_kmap(window.high(16'384)), nullptr);
  for (std::uint32_t i = 0; i < 16'384; ++i) {
    ASSERT_EQ(window.machine().mapped_frame(window.mapper.find(window.high(i))),
              window.high(i)->frame);
    window.mapper.kunmap(window.high(i));
  }
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 16'384U);
}

TEST(Limits, TheOneIdleSlotOfAPinnedWindowOf16384IsFound) {
  Window window(16'384, 16'400);
  for (std::uint32_t i = 0; i < 16'384; ++i)
    ASSERT_NE(window.mapper.try_kmap(window.high(i)), nullptr);
  for (const std::uint32_t idle : {0U, 31U, 8'000U, 16'383U}) {
    window.mapper.kunmap(window.high(idle));
    void* const address = window.mapper.try_kmap(window.high(16'390));
    ASSERT_NE(address, nullptr) << "idle: " << idle;
    EXPECT_TRUE(window.shows(address, window.high(16'390)));
    window.mapper.kunmap(window.high(16'390));
    ASSERT_NE(window.mapper.try_kmap(window.high(idle)), nullptr);
  }
}

TEST(Limits, AllWindowSizesFillAndEmpty) {
  for (const std::uint32_t slots : {1U, 2U, 31U, 32U, 33U, 63U, 64U, 65U, 511U, 1'023U, 1'025U}) {
    Window window(slots, slots + 1);
    for (std::uint32_t i = 0; i < slots; ++i)
      ASSERT_NE(window.mapper.try_kmap(window.high(i)), nullptr) << slots << " slots";
    ASSERT_EQ(window.mapper.try_kmap(window.high(slots)), nullptr) << slots << " slots";
    for (std::uint32_t i = 0; i < slots; ++i) window.mapper.kunmap(window.high(i));
    ASSERT_EQ(window.mapper.flush_all_zero_pkmaps(), slots);
  }
}

TEST(Limits, TheGenerationMayComeRound) {
  constexpr std::uint32_t kGenerations = UINT32_MAX / word::kGeneration<std::uint32_t> + 1;
  Window window(1, 2);
  for (std::uint32_t i = 0; i < kGenerations + 10; ++i) {
    window.touch(window.high(i % 2));
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << i;
  }
  EXPECT_EQ(window.mapper.stats().misses, kGenerations + 10U);
}

TEST(Limits, TheStatisticsAddUp) {
  Window window(16, 64);
  Random random(1);
  std::uint64_t mapped = 0;
  for (int i = 0; i < 10'000; ++i) {
    window.touch(window.high(random.below(64)));
    ++mapped;
  }
  const std::uint32_t idle = window.mapper.flush_all_zero_pkmaps();
  const Stats stats = window.mapper.stats();
  EXPECT_EQ(stats.hits + stats.misses, mapped);
  EXPECT_EQ(stats.slots_scavenged, stats.misses);  // all are clean again
  EXPECT_EQ(stats.flushes + stats.flushes_avoided, stats.scavenges);
  EXPECT_LE(idle, 16U);
  EXPECT_EQ(stats.sleeps, 0U);
}

TEST(Limits, AHotSetStaysMappedWhileAColdStreamPasses) {
  Window window(64, 1'000);
  for (std::uint32_t i = 0; i < 8; ++i) window.touch(window.high(i));
  std::uint64_t hits = 0;
  for (std::uint32_t round = 0; round < 100; ++round) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      if (window.mapper.find(window.high(i)) != kNoSlot) ++hits;
      window.touch(window.high(i));
    }
    for (std::uint32_t i = 0; i < 8; ++i) window.touch(window.high(8 + round * 8 + i));
  }
  EXPECT_GT(hits, 750U);  // of 800
}

}  // namespace
}  // namespace kmapper::simulated
