// Sleeps that end early: by time-out, or by cancellation. In both cases nothing is left behind.
#include <gtest/gtest.h>

#include "kmapper/core/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kSeeds = 200;
using Shared = Platform<ScheduledThreads>;

TEST(BoundedWait, KmapForGivesUpInTime) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 2);
    bool holds = false;
    bool gave_up = false;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      holds = true;
      window.wait_until([&] { return gave_up; });
      window.mapper.kunmap(window.high(0));
      EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
    });
    window.spawn("gives up", [&] {
      window.wait_until([&] { return holds; });
      const std::uint64_t begun = window.computer().threads().now();
      const Result<void*> result = window.mapper.kmap_for(window.high(1), 50'000);
      EXPECT_EQ(result.error(), MapError::timed_out);
      EXPECT_GE(window.computer().threads().now() - begun, 50'000U);
      EXPECT_EQ(window.mapper.find(window.high(1)), kNoSlot);
      gave_up = true;
    });
    window.run();
    EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
  });
}

TEST(BoundedWait, KmapForGetsASlotThatGoesIdleInTime) {
  for_each_seed(kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 2);
    bool holds = false;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      holds = true;
      window.work(100);
      window.mapper.kunmap(window.high(0));
    });
    window.spawn("waits", [&] {
      window.wait_until([&] { return holds; });
      Result<void*> result = window.mapper.kmap_for(window.high(1), 1'000'000'000);
      ASSERT_TRUE(result);
      (void)window.computer().read(*result);
      window.mapper.kunmap(window.high(1));
    });
    window.run();
  });
}

TEST(BoundedWait, KmapForATimeThatNoClockReachesWaitsForEver) {
  for (const std::uint64_t time : {UINT64_MAX, UINT64_MAX - 1}) {
    for_each_seed(kSeeds, [time](std::uint64_t seed) {
      SharedWindow window(seed, 1, 2);
      bool holds = false;
      window.spawn("holds the slot", [&] {
        ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
        holds = true;
        window.work(100);
        window.mapper.kunmap(window.high(0));
      });
      window.spawn("waits", [&] {
        window.wait_until([&] { return holds; });
        ASSERT_TRUE(window.mapper.kmap_for(window.high(1), time));
        window.mapper.kunmap(window.high(1));
      });
      window.run();
    });
  }
}

// A grant that comes at the last moment goes to the next thread in the queue.
TEST(BoundedWait, AGrantIsNeverLost) {
  for_each_seed(2 * kSeeds, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 3);
    Cancellation<Shared> cancellation;
    bool holds = false;
    window.spawn("holds the slot", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      holds = true;
      window.work(60);
      window.mapper.kunmap(window.high(0));
    });
    window.spawn("is cancelled", [&] {
      window.wait_until([&] { return holds; });
      if (window.mapper.kmap_until(window.high(1), {UINT64_MAX, &cancellation}))
        window.mapper.kunmap(window.high(1));
    });
    window.spawn("times out", [&] {
      window.wait_until([&] { return holds; });
      if (window.mapper.kmap_for(window.high(2), 600)) window.mapper.kunmap(window.high(2));
    });
    window.spawn("sleeps on", [&] {
      window.wait_until([&] { return holds; });
      ASSERT_NE(window.mapper.kmap(window.high(3)), nullptr);
      window.mapper.kunmap(window.high(3));
    });
    window.spawn("cancels", [&] {
      window.work(60);
      window.mapper.cancel(cancellation);
    });
    window.run();
  });
}

TEST(BoundedWait, ACancelledWaitSaysSo) {
  SharedWindow window(1, 1, 2);
  Cancellation<Shared> cancellation;
  window.spawn("holds the slot", [&] {
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
    window.wait_until_asleep(2);
    window.mapper.cancel(cancellation);
    window.wait_until([&] { return !window.scheduler().is_blocked(2); });
    window.mapper.kunmap(window.high(0));
  });
  window.spawn("is cancelled", [&] {
    window.wait_until([&] { return window.mapper.find(window.high(0)) != kNoSlot; });
    const Limits<Shared> limits{UINT64_MAX, &cancellation};
    EXPECT_EQ(window.mapper.kmap_until(window.high(1), limits).error(), MapError::cancelled);
  });
  window.run();
}

// One slot, one page that many threads want, and threads that want pages of their own.
TEST(BoundedWait, AHotPageInAWindowOfOneSlotStarvesNobody) {
  for_each_seed(20, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 4);
    std::uint32_t served = 0;
    constexpr std::uint32_t kOthers = 3;
    for (int i = 0; i < 3; ++i) {
      window.spawn("hits the hot page", [&] {
        while (served != kOthers) {
          ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
          window.work(5);
          window.mapper.kunmap(window.high(0));
        }
      });
    }
    for (std::uint32_t i = 1; i <= kOthers; ++i) {
      window.spawn("wants a page of its own", [&window, &served, i] {
        for (int round = 0; round < 20; ++round) {
          ASSERT_NE(window.mapper.kmap(window.high(i)), nullptr);
          window.mapper.kunmap(window.high(i));
        }
        ++served;
      });
    }
    window.run();
  });
}

// A kmap that finds its page idle, on the way from its last kunmap to the first sleeper, hands it
// over too. Otherwise two users of a page, each of which maps it again before the other's kunmap is
// complete, would keep a sleeper out for ever.
TEST(BoundedWait, AnIdleSlotThatSomebodySleepsForIsNotUsedAgain) {
  std::uint32_t met = 0;  // runs in which the kunmap was stopped half way
  for_each_seed(kSeeds, [&met](std::uint64_t seed) {
    SharedWindow window(seed, 1, 3);
    bool stopped = false;
    bool served = false;
    window.spawn("stops in kunmap", [&] {
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      window.wait_until_asleep(2);
      window.mapper.kunmap(window.high(0));
    });
    window.spawn("sleeps", [&] {
      window.wait_until([&] { return window.mapper.find(window.high(0)) != kNoSlot; });
      ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
      served = true;
      window.mapper.kunmap(window.high(1));
    });
    window.spawn("comes back", [&] {
      window.wait_until([&] { return stopped || served; });
      ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
      EXPECT_TRUE(served);
      window.mapper.kunmap(window.high(0));
    });
    window.scheduler().on_switch([&](bool) {
      const Scheduler::Pause pause;
      const std::uint32_t now = window.mapper.inspect(SlotIndex{0}).word;
      if (stopped || window.scheduler().thread() != 1 || !word::is_idle(now)) return true;
      stopped = window.scheduler().is_blocked(2);
      if (stopped) window.scheduler().freeze(3'000);
      return true;
    });
    window.run();
    met += stopped ? 1U : 0U;
  });
  EXPECT_GT(met, 0U);
}

}  // namespace
}  // namespace kmapper::simulated
