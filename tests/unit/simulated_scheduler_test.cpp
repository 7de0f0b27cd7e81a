// The scheduler of the deterministic tests: its promises to its threads.
#include "simulated/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "simulated/scheduled_threads.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

/// The order in which three threads take ten steps each.
std::string order_of(std::uint64_t seed, std::uint32_t cpus) {
  Scheduler scheduler(seed, cpus, {.switches = 1});
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    scheduler.spawn(std::string(1, name), [&scheduler, &order, name] {
      for (int i = 0; i < 10; ++i) {
        order += name;
        scheduler.point();
      }
    });
  }
  EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  return order;
}

TEST(Scheduler, TheSameSeedReplaysTheSameOrder) { EXPECT_EQ(order_of(42, 3), order_of(42, 3)); }

TEST(Scheduler, OtherSeedsBringOtherOrders) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) orders.insert(order_of(seed, 3));
  EXPECT_GT(orders.size(), 90U);
}

TEST(Scheduler, OneCpuRunsAllThreads) {
  const std::string order = order_of(7, 1);
  for (const char name : {'a', 'b', 'c'}) EXPECT_EQ(std::ranges::count(order, name), 10);
}

TEST(Scheduler, ThreadsMigrate) {
  Scheduler scheduler(1, 4);
  std::set<CpuIndex> cpus;
  for (int i = 0; i < 6; ++i) {
    scheduler.spawn("migrates", [&scheduler, &cpus, i] {
      for (int step = 0; step < 2'000; ++step) {
        if (i == 0) cpus.insert(scheduler.cpu());
        scheduler.point();
      }
    });
  }
  EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  EXPECT_EQ(cpus.size(), 4U);
}

TEST(Scheduler, ACpuRunsNothingElseWhileInterruptsAreOff) {
  for_each_seed(20, [](std::uint64_t seed) {
    Scheduler scheduler(seed, 2, {.switches = 1, .interrupts = 3});
    std::array<int, kMaxCpus> inside{};
    bool disturbed = false;
    const auto critical = [&] {
      const CpuIndex cpu = scheduler.cpu();
      if (inside[to_number(cpu)]++ != 0) disturbed = true;
      for (int i = 0; i < 5; ++i) scheduler.point();
      if (scheduler.cpu() != cpu) disturbed = true;
      --inside[to_number(cpu)];
    };
    for (int i = 0; i < 4; ++i) {
      scheduler.spawn("turns interrupts off", [&] {
        for (int round = 0; round < 50; ++round) {
          scheduler.interrupts_off();
          critical();
          scheduler.interrupts_on();
        }
      });
    }
    scheduler.on_interrupt(critical);
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    EXPECT_FALSE(disturbed);
  });
}

TEST(Scheduler, InterruptsComeWhileAThreadRuns) {
  Scheduler scheduler(1, 1, {.switches = 1, .interrupts = 2});
  int interrupts = 0;
  std::uint32_t seen_thread = 0;
  scheduler.on_interrupt([&] {
    ++interrupts;
    seen_thread = scheduler.thread();
    EXPECT_TRUE(scheduler.interrupts_are_off());
    scheduler.point();
  });
  scheduler.spawn("is interrupted", [&] {
    for (int i = 0; i < 100; ++i) scheduler.point();
  });
  EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  EXPECT_GT(interrupts, 10);
  EXPECT_EQ(seen_thread, Scheduler::kHandler);
}

TEST(Scheduler, ADeadlockSaysWhoWaitsForWhat) {
  Scheduler scheduler(1, 2);
  scheduler.spawn("waits", [&] { scheduler.block("a letter"); });
  const Outcome outcome = scheduler.run();
  EXPECT_EQ(outcome.end, Outcome::End::deadlock);
  EXPECT_EQ(outcome.report, "thread 1 (waits) is blocked, waits for a letter\n");
}

TEST(Scheduler, SpinningOnALockThatIsNeverOpenedIsADeadlock) {
  Scheduler scheduler(1, 2);
  const bool locked = true;
  scheduler.spawn("spins", [&] { scheduler.stall_while(locked); });
  const Outcome outcome = scheduler.run();
  EXPECT_EQ(outcome.end, Outcome::End::deadlock);
  EXPECT_NE(outcome.report.find("waits for a spinlock"), std::string::npos);
}

TEST(Scheduler, WaitingForWhatNobodyDoesIsALivelock) {
  Scheduler scheduler(1, 2);
  scheduler.spawn("waits", [&] {
    for (;;) scheduler.relax();
  });
  EXPECT_EQ(scheduler.run().end, Outcome::End::livelock);
}

TEST(Scheduler, AWakenedThreadGoesOn) {
  for_each_seed(20, [](std::uint64_t seed) {
    Scheduler scheduler(seed, 2);
    bool asleep = false;
    bool woken = false;
    scheduler.spawn("sleeps", [&] {
      asleep = true;
      scheduler.block("the other");
      woken = true;
    });
    scheduler.spawn("wakes", [&] {
      while (!asleep) scheduler.relax();
      scheduler.unblock(1);
    });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    EXPECT_TRUE(woken);
  });
}

TEST(Scheduler, TheWatcherEndsTheRun) {
  Scheduler scheduler(1, 1);
  scheduler.on_switch([&](bool) { return scheduler.steps() < 100; });
  scheduler.spawn("goes on for ever", [&] {
    for (;;) scheduler.point();
  });
  const Outcome outcome = scheduler.run();
  EXPECT_EQ(outcome.end, Outcome::End::stopped);
  EXPECT_GE(outcome.steps, 100U);
}

TEST(Scheduler, RunsAgainWithThreadsSpawnedLater) {
  Scheduler scheduler(1, 2);
  int runs = 0;
  for (int i = 0; i < 2; ++i) {
    scheduler.spawn("runs", [&] { ++runs; });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  }
  EXPECT_EQ(runs, 2);
}

TEST(Scheduler, AFailedRunStaysFailed) {
  Scheduler scheduler(1, 1);
  scheduler.spawn("waits", [&] { scheduler.block("a letter"); });
  EXPECT_EQ(scheduler.run().end, Outcome::End::deadlock);
  scheduler.spawn("would run", [] { FAIL() << "ran after a deadlock"; });
  EXPECT_EQ(scheduler.run().end, Outcome::End::deadlock);
}

TEST(ScheduledAtomic, AWeakCompareAndSwapFailsNowAndThen) {
  Scheduler scheduler(1, 1);
  int failures = 0;
  scheduler.spawn("swaps", [&] {
    ScheduledAtomic<int> value{0};
    for (int i = 0; i < 1'000; ++i) {
      int expected = 0;
      const bool swapped = value.compare_exchange_weak(expected, 0, std::memory_order_relaxed,
                                                       std::memory_order_relaxed);
      if (!swapped) ++failures;
      EXPECT_EQ(expected, 0);
    }
  });
  EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  EXPECT_GT(failures, 10);
  EXPECT_LT(failures, 200);
}

// Two threads that read, then write: a lost update shows that other threads run in between.
TEST(ScheduledAtomic, EveryAccessIsASchedulingPoint) {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Scheduler scheduler(seed, 2, {.switches = 2});
    ScheduledAtomic<int> value{0};
    for (int i = 0; i < 2; ++i) {
      scheduler.spawn("increments", [&] { value.store(value.load() + 1); });
    }
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    if (value.load() == 1) lost = true;
  }
  EXPECT_TRUE(lost);
}

}  // namespace
}  // namespace kmapper::simulated
