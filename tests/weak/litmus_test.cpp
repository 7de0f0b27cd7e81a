// The weak memory itself, on the usual shapes of litmus tests: what C++20 forbids never happens,
// and what it allows, as far as it matters to the protocol, does happen.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>

#include "simulated/weak_atomic.hpp"

namespace kmapper::simulated {
namespace {

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

using Atomic = WeakAtomic<std::uint32_t>;
constexpr std::uint32_t kSeeds = 2'000;

/// Runs the threads, once for each seed, on fresh atomics. Returns how often `outcome` was true.
template <class State>
std::uint32_t count(std::initializer_list<void (*)(State&)> threads,
                    const std::function<bool(const State&)>& outcome) {
  std::uint32_t seen = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    WeakMemory memory;
    Scheduler scheduler(seed, static_cast<std::uint32_t>(threads.size()), {.switches = 2});
    State state;
    for (const auto thread : threads) scheduler.spawn("litmus", [&, thread] { thread(state); });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    if (outcome(state)) ++seen;
  }
  return seen;
}

struct MessagePassing {
  Atomic data, flag;
  std::uint32_t flag_seen = 0, data_seen = 0;
};
template <std::memory_order kStore, std::memory_order kLoad>
std::uint32_t stale_messages() {
  return count<MessagePassing>(
      {[](MessagePassing& it) {
         it.data.store(1, memory_order_relaxed);
         it.flag.store(1, kStore);
       },
       [](MessagePassing& it) {
         it.flag_seen = it.flag.load(kLoad);
         it.data_seen = it.data.load(memory_order_relaxed);
       }},
      [](const MessagePassing& it) { return it.flag_seen == 1 && it.data_seen == 0; });
}

TEST(WeakMemory, ARelaxedMessageMayBeStale) {
  EXPECT_GT((stale_messages<memory_order_relaxed, memory_order_relaxed>()), 0U);
  EXPECT_GT((stale_messages<memory_order_release, memory_order_relaxed>()), 0U);
  EXPECT_GT((stale_messages<memory_order_relaxed, memory_order_acquire>()), 0U);
}

TEST(WeakMemory, AReleasedAndAcquiredMessageIsNot) {
  EXPECT_EQ((stale_messages<memory_order_release, memory_order_acquire>()), 0U);
  EXPECT_EQ((stale_messages<memory_order_seq_cst, memory_order_seq_cst>()), 0U);
}

struct StoreBuffering {
  Atomic x, y;
  std::uint32_t y_seen = 0, x_seen = 0;
};
template <std::memory_order kStore, std::memory_order kLoad>
std::uint32_t both_miss() {
  return count<StoreBuffering>(
      {[](StoreBuffering& it) {
         it.x.store(1, kStore);
         it.y_seen = it.y.load(kLoad);
       },
       [](StoreBuffering& it) {
         it.y.store(1, kStore);
         it.x_seen = it.x.load(kLoad);
       }},
      [](const StoreBuffering& it) { return it.y_seen == 0 && it.x_seen == 0; });
}

TEST(WeakMemory, TwoThreadsMayBothMissTheOthersStore) {
  EXPECT_GT((both_miss<memory_order_relaxed, memory_order_relaxed>()), 0U);
  EXPECT_GT((both_miss<memory_order_release, memory_order_acquire>()), 0U);
  EXPECT_GT((both_miss<memory_order_release, memory_order_seq_cst>()), 0U);
  EXPECT_GT((both_miss<memory_order_seq_cst, memory_order_acquire>()), 0U);
}

TEST(WeakMemory, SequentiallyConsistentThreadsDoNotBothMiss) {
  EXPECT_EQ((both_miss<memory_order_seq_cst, memory_order_seq_cst>()), 0U);
}

// Both sides announce themselves by a read-modify-write.
template <std::memory_order kOrder>
std::uint32_t both_miss_after_read_modify_write() {
  return count<StoreBuffering>(
      {[](StoreBuffering& it) {
         it.x.fetch_add(1, kOrder);
         it.y_seen = it.y.load(memory_order_seq_cst);
       },
       [](StoreBuffering& it) {
         it.y.fetch_add(1, kOrder);
         it.x_seen = it.x.load(memory_order_seq_cst);
       }},
      [](const StoreBuffering& it) { return it.y_seen == 0 && it.x_seen == 0; });
}

TEST(WeakMemory, AReadModifyWriteBuffersLikeAStore) {
  EXPECT_GT(both_miss_after_read_modify_write<memory_order_acq_rel>(), 0U);
  EXPECT_EQ(both_miss_after_read_modify_write<memory_order_seq_cst>(), 0U);
}

struct Coherence {
  Atomic x;
  std::array<std::uint32_t, 6> seen{};
};

TEST(WeakMemory, AThreadNeverReadsBackwards) {
  const auto write = [](Coherence& it) {
    for (std::uint32_t i = 1; i <= 20; ++i) it.x.store(i, memory_order_relaxed);
  };
  const auto read = [](Coherence& it) {
    for (std::uint32_t& seen : it.seen) seen = it.x.load(memory_order_relaxed);
  };
  const auto backwards = [](const Coherence& it) {
    for (std::size_t i = 1; i < it.seen.size(); ++i) {
      if (it.seen[i] < it.seen[i - 1]) return true;
    }
    return false;
  };
  EXPECT_EQ(count<Coherence>({write, read}, backwards), 0U);
  EXPECT_GT(
      count<Coherence>({write, read}, [](const Coherence& it) { return it.seen[5] > it.seen[0]; }),
      0U);
}

TEST(WeakMemory, AThreadReadsItsOwnStores) {
  const auto write_and_read = [](Coherence& it) {
    it.x.store(7, memory_order_relaxed);
    it.seen[0] = it.x.load(memory_order_relaxed);
  };
  EXPECT_EQ(count<Coherence>({write_and_read}, [](const Coherence& it) { return it.seen[0] != 7; }),
            0U);
}

struct ReadThenTell {
  Atomic x, flag;
  std::uint32_t first = 0, flag_seen = 0, second = 0;
};

TEST(WeakMemory, WhatSomebodyReadBeforeItToldMeIsNotTooNewForMe) {
  const auto older = [](const ReadThenTell& it) {
    return it.first == 1 && it.flag_seen == 1 && it.second == 0;
  };
  EXPECT_EQ(count<ReadThenTell>({[](ReadThenTell& it) { it.x.store(1, memory_order_relaxed); },
                                 [](ReadThenTell& it) {
                                   it.first = it.x.load(memory_order_relaxed);
                                   it.flag.store(1, memory_order_release);
                                 },
                                 [](ReadThenTell& it) {
                                   it.flag_seen = it.flag.load(memory_order_acquire);
                                   it.second = it.x.load(memory_order_relaxed);
                                 }},
                                older),
            0U);
  EXPECT_GT(count<ReadThenTell>({[](ReadThenTell& it) { it.x.store(1, memory_order_relaxed); },
                                 [](ReadThenTell& it) {
                                   it.first = it.x.load(memory_order_relaxed);
                                   it.flag.store(1, memory_order_relaxed);
                                 },
                                 [](ReadThenTell& it) {
                                   it.flag_seen = it.flag.load(memory_order_acquire);
                                   it.second = it.x.load(memory_order_relaxed);
                                 }},
                                older),
            0U);
}

// A release, then changes by others: a read-modify-write continues the release sequence, a store
// ends it.
std::uint32_t stale_after(void (*change)(MessagePassing&)) {
  return count<MessagePassing>(
      {[](MessagePassing& it) {
         it.data.store(1, memory_order_relaxed);
         it.flag.store(1, memory_order_release);
       },
       change,
       [](MessagePassing& it) {
         it.flag_seen = it.flag.load(memory_order_acquire);
         it.data_seen = it.data.load(memory_order_relaxed);
       }},
      [](const MessagePassing& it) { return it.flag_seen == 3 && it.data_seen == 0; });
}

TEST(WeakMemory, AReadModifyWriteContinuesAReleaseSequence) {
  EXPECT_EQ(stale_after([](MessagePassing& it) { it.flag.fetch_or(2, memory_order_relaxed); }), 0U);
}

TEST(WeakMemory, AStoreEndsAReleaseSequence) {
  EXPECT_GT(stale_after([](MessagePassing& it) {
              if (it.flag.load(memory_order_relaxed) == 1) it.flag.store(3, memory_order_relaxed);
            }),
            0U);
}

struct IndependentReads {
  Atomic x, y;
  std::uint32_t x_first = 0, y_second = 0, y_first = 0, x_second = 0;
};
template <std::memory_order kStore, std::memory_order kLoad>
std::uint32_t readers_disagree() {
  return count<IndependentReads>({[](IndependentReads& it) { it.x.store(1, kStore); },
                                  [](IndependentReads& it) { it.y.store(1, kStore); },
                                  [](IndependentReads& it) {
                                    it.x_first = it.x.load(kLoad);
                                    it.y_second = it.y.load(kLoad);
                                  },
                                  [](IndependentReads& it) {
                                    it.y_first = it.y.load(kLoad);
                                    it.x_second = it.x.load(kLoad);
                                  }},
                                 [](const IndependentReads& it) {
                                   return it.x_first == 1 && it.y_second == 0 && it.y_first == 1 &&
                                          it.x_second == 0;
                                 });
}

TEST(WeakMemory, ReadersMayDisagreeAboutTheOrderOfTwoWriters) {
  EXPECT_GT((readers_disagree<memory_order_release, memory_order_acquire>()), 0U);
  EXPECT_EQ((readers_disagree<memory_order_seq_cst, memory_order_seq_cst>()), 0U);
}

struct Counted {
  Atomic x;
  std::uint32_t strong_failures = 0, weak_failures = 0;
};

TEST(WeakMemory, NoReadModifyWriteIsLost) {
  const auto add = [](Counted& it) {
    for (int i = 0; i < 5; ++i) it.x.fetch_add(1, memory_order_relaxed);
    for (int i = 0; i < 5; ++i) {
      std::uint32_t seen = it.x.load(memory_order_relaxed);
      while (
          !it.x.compare_exchange_weak(seen, seen + 1, memory_order_relaxed, memory_order_relaxed)) {
      }
    }
  };
  EXPECT_EQ(count<Counted>({add, add, add}, [](const Counted& it) { return it.x.load() != 30; }),
            0U);
}

TEST(WeakMemory, AStrongCompareExchangeFailsOnlyOnAnotherValue) {
  // Alone: there is no older store to read, so only the weak swap may fail.
  const auto swap = [](Counted& it) {
    for (std::uint32_t i = 0; i < 50; ++i) {
      std::uint32_t expected = i;
      if (!it.x.compare_exchange_strong(expected, i + 1, memory_order_relaxed,
                                        memory_order_relaxed))
        ++it.strong_failures;
      expected = i + 1;
      if (!it.x.compare_exchange_weak(expected, i + 1, memory_order_relaxed, memory_order_relaxed))
        ++it.weak_failures;
    }
  };
  EXPECT_EQ(count<Counted>({swap}, [](const Counted& it) { return it.strong_failures != 0; }), 0U);
  EXPECT_GT(count<Counted>({swap}, [](const Counted& it) { return it.weak_failures != 0; }), 0U);
}

struct StaleFailure {
  Atomic x, done;
  bool asked = false, swapped = false;
  std::uint32_t found = 0;
};

TEST(WeakMemory, AFailedCompareExchangeMayHaveReadAnOlderStore) {
  const auto write = [](StaleFailure& it) {
    it.x.store(1, memory_order_relaxed);
    it.done.store(1, memory_order_relaxed);
  };
  const auto swap = [](StaleFailure& it) {
    if (it.done.load(memory_order_relaxed) == 0) return;
    it.asked = true;
    it.found = 1;
    it.swapped =
        it.x.compare_exchange_strong(it.found, 2, memory_order_acquire, memory_order_relaxed);
  };
  EXPECT_GT(count<StaleFailure>(
                {write, swap},
                [](const StaleFailure& it) { return it.asked && !it.swapped && it.found == 0; }),
            0U);
  EXPECT_GT(count<StaleFailure>({write, swap}, [](const StaleFailure& it) { return it.swapped; }),
            0U);
}

TEST(WeakMemory, AWaitingLoopEnds) {
  const auto tell = [](MessagePassing& it) { it.flag.store(1, memory_order_relaxed); };
  const auto wait = [](MessagePassing& it) {
    while (it.flag.load(memory_order_relaxed) == 0) Scheduler::current()->relax();
  };
  EXPECT_EQ(count<MessagePassing>({tell, wait},
                                  [](const MessagePassing& it) { return it.flag.load() != 1; }),
            0U);
}

TEST(WeakMemory, WhatAnInterruptSawItsThreadDoesNotUnsee) {
  std::uint32_t interrupts = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    WeakMemory memory;
    Scheduler scheduler(seed, 2, {.switches = 1, .interrupts = 2});
    Atomic x;
    std::uint32_t latest = 0;
    scheduler.spawn("writes", [&] {
      for (std::uint32_t i = 1; i <= 20; ++i) x.store(i, memory_order_relaxed);
    });
    const std::uint32_t reader = 2;
    const auto read = [&] {
      const std::uint32_t seen = x.load(memory_order_relaxed);
      EXPECT_GE(seen, latest);
      latest = seen;
    };
    scheduler.spawn("is interrupted", [&] {
      for (int i = 0; i < 10; ++i) read();
    });
    scheduler.on_interrupt([&] {
      if (scheduler.sequence() != reader) return;
      ++interrupts;
      read();
    });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
  }
  EXPECT_GT(interrupts, kSeeds);
}

TEST(WeakMemory, AnAccessCanBeWeakenedByItsPlace) {
  std::uint32_t stale = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    WeakMemory memory;
    memory.weaken({"publish_it", AtomicOperation::store, memory_order_release},
                  memory_order_relaxed);
    Scheduler scheduler(seed, 2, {.switches = 2});
    MessagePassing it;
    const auto publish_it = [](Atomic& flag, Site site) {
      flag.store(1, memory_order_release, site);
    };
    scheduler.spawn("writes", [&] {
      it.data.store(1, memory_order_relaxed);
      publish_it(it.flag, Site{"", "publish_it", 1});
    });
    scheduler.spawn("reads", [&] {
      it.flag_seen = it.flag.load(memory_order_acquire);
      it.data_seen = it.data.load(memory_order_relaxed);
    });
    EXPECT_EQ(scheduler.run().end, Outcome::End::all_done);
    if (it.flag_seen == 1 && it.data_seen == 0) ++stale;
  }
  EXPECT_GT(stale, 0U);
}

}  // namespace
}  // namespace kmapper::simulated
