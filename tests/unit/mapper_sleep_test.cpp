// Every slot is pinned: which threads sleep, which wake, and in which order. Each test runs under
// many seeds.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "window.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kSeeds = 200;

TEST(Sleep, AFullWindowSleepsUntilKunmap) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1);
    bool unmapped = false;
    bool holds = false;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      holds = true;
      window.work(200);
      unmapped = true;
      window.mapper.kunmap(window.high(0));
    });
    window.spawn("needs a slot", [&] {
      window.wait_until([&] { return holds; });
      EXPECT_NE(window.mapper.kmap(window.high(1)), nullptr);
      EXPECT_TRUE(unmapped);
      window.mapper.kunmap(window.high(1));
    });
    window.run();
    EXPECT_LE(window.mapper.stats().sleeps, 1U);
  });
}

TEST(Sleep, ASleepIsCountedAndMeasured) {
  SharedWindow window(1, 1, 2);
  bool holds = false;
  window.spawn("holds the slot", [&] {
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
    holds = true;
    window.wait_until_asleep(2);
    window.work(1'000);
    window.mapper.kunmap(window.high(0));
  });
  window.spawn("sleeps", [&] {
    window.wait_until([&] { return holds; });
    ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
    window.mapper.kunmap(window.high(1));
  });
  window.run();
  EXPECT_EQ(window.mapper.stats().sleeps, 1U);
  EXPECT_GT(window.mapper.stats().longest_sleep_ns, 1'000U);
}

TEST(Sleep, SleepersAreServedFirstComeFirstServed) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    constexpr std::uint32_t kSleepers = 5;
    SharedWindow window(seed, 1, 3);
    std::uint32_t came = 0;
    std::vector<std::uint32_t> served;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      for (std::uint32_t i = 0; i < kSleepers; ++i) {
        came = i + 1;  // the next may come now, but the one after it only when that one is asleep
        window.wait_until_asleep(2 + i);
      }
      window.mapper.kunmap(window.high(0));
    });
    for (std::uint32_t i = 0; i < kSleepers; ++i) {
      window.spawn("sleeps", [&window, &came, &served, i] {
        window.wait_until([&] { return came > i; });
        ASSERT_NE(window.mapper.kmap(window.high(i + 1)), nullptr);
        served.push_back(i);
        window.mapper.kunmap(window.high(i + 1));
      });
    }
    window.run();
    EXPECT_EQ(served, (std::vector<std::uint32_t>{0, 1, 2, 3, 4}));
  });
}

TEST(Sleep, ASleeperWakesWhenItsPageGetsMapped) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1);
    bool full = false;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      full = true;
      window.work(500);
      window.mapper.kunmap(window.high(0));
    });
    // The thread that gets the slot keeps it until the other has mapped the page as well.
    std::uint32_t have_it = 0;
    for (int i = 0; i < 2; ++i) {
      window.spawn("wants page 1", [&] {
        window.wait_until([&] { return full; });
        ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
        ++have_it;
        window.wait_until([&] { return have_it == 2; });
        window.mapper.kunmap(window.high(1));
      });
    }
    window.run();
    EXPECT_EQ(have_it, 2U);
  });
}

TEST(Sleep, NoWakeUpIsLostHoweverShortTheHold) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 2, 4, 120);
    for (std::uint32_t thread = 0; thread < 6; ++thread) {
      window.spawn("maps", [&window, thread] {
        for (std::uint32_t i = 0; i < 20; ++i) {
          const auto page = window.high(thread * 20 + i);
          ASSERT_NE(window.mapper.kmap(page), nullptr);
          window.mapper.kunmap(page);
        }
      });
    }
    window.run();
  });
}

TEST(Sleep, AnEvictedSlotGoesToASleeper) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 2);
    window.spawn("frees a page", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      window.mapper.kunmap(window.high(0));
      EXPECT_NE(window.mapper.evict(window.high(0)), Evicted::pinned);
    });
    window.spawn("needs a slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
      window.mapper.kunmap(window.high(1));
    });
    window.run();
  });
}

TEST(Sleep, ASlotThatALostRaceGivesBackGoesToASleeper) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 2, 3);
    bool served = false;
    for (int i = 0; i < 2; ++i) {
      window.spawn("maps the same page", [&] {
        ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
        window.wait_until([&] { return served; });
        window.mapper.kunmap(window.high(0));
      });
    }
    window.spawn("needs a slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
      served = true;
      window.mapper.kunmap(window.high(1));
    });
    window.run();
  });
}

TEST(Sleep, AKunmapInAnInterruptWakesASleeper) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 2);
    bool holds = false;
    bool unmapped = false;
    window.spawn("leaves the kunmap to an interrupt", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      window.mapper.hand_over(window.high(0));
      holds = true;
      window.wait_until([&] { return unmapped; });
    });
    window.spawn("sleeps", [&] {
      window.wait_until([&] { return holds; });
      ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
      window.mapper.kunmap(window.high(1));
    });
    window.scheduler().on_interrupt([&] {
      if (!holds || std::exchange(unmapped, true)) return;
      window.mapper.kunmap(window.high(0));
    });
    window.run();
  });
}

/// Maps page 0 and frees it, again and again.
void free_a_page(SharedWindow& window, std::uint32_t rounds) {
  for (std::uint32_t i = 0; i < rounds; ++i) {
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
    window.mapper.kunmap(window.high(0));
    EXPECT_NE(window.mapper.evict(window.high(0)), Evicted::pinned);
  }
}

// The slot is free for a moment, between the evict that cleans it and the grant to the sleeper.
TEST(Sleep, TryKmapDoesNotOvertakeSleepers) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    constexpr std::uint32_t kRounds = 20;
    SharedWindow window(seed, 1, 3);
    std::uint32_t served = 0;
    window.spawn("frees a page", [&] { free_a_page(window, kRounds); });
    window.spawn("sleeps", [&] {
      for (; served < kRounds; ++served) {
        ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
        window.mapper.kunmap(window.high(1));
      }
    });
    window.spawn("tries", [&] {
      while (served < kRounds) {
        const bool was_mapped =
            window.mapper.find(window.high(2)) != kNoSlot;  // a hit takes no slot
        const bool was_asleep = !was_mapped && window.scheduler().is_blocked(2);
        const std::uint32_t served_before = served;
        void* const address = window.mapper.try_kmap(window.high(2));
        if (address == nullptr) {
          window.scheduler().relax();
          continue;
        }
        EXPECT_FALSE(was_asleep && window.scheduler().is_blocked(2) && served == served_before);
        window.mapper.kunmap(window.high(2));
      }
    });
    window.run();
  });
}

// At the same time, a scavenger parks a pinned slot, its last user ends, another user comes, and a
// kmap looks for slots to wait for: rare, so there are many games.
TEST(Sleep, ASlotThatIsPinnedAgainWhileItIsParkedIsNotMissed) {
  for_each_seed(5'000, [](std::uint64_t seed) {
    constexpr std::uint32_t kRounds = 20;
    SharedWindow window(seed, 1, 3);
    bool done = false;
    window.spawn("frees a page", [&] { free_a_page(window, kRounds); });
    window.spawn("sleeps", [&] {
      for (std::uint32_t i = 0; i < kRounds; ++i) {
        ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
        window.mapper.kunmap(window.high(1));
      }
      done = true;
    });
    window.spawn("tries", [&] {
      while (!done) {
        if (window.mapper.try_kmap(window.high(2)) != nullptr) window.mapper.kunmap(window.high(2));
        window.scheduler().relax();
      }
    });
    window.run();
  });
}

}  // namespace
}  // namespace kmapper::simulated
