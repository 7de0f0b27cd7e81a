// A window as a process has it (simulated/finding_threads.hpp): its slots come into use little by
// little, and a page keeps its slot until the slot's flush has been made. The machine checks that:
// no PTE and no TLB has a page that gets a slot.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kmapper/core/reservation.hpp"
#include "repeat.hpp"
#include "simulated/computer.hpp"
#include "simulated/finding_threads.hpp"
#include "simulated/make_mapper.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kBroughtIntoUse = 512;  // slots at once

class FindingWindow {
 public:
  using Platform = simulated::Platform<FindingScheduledThreads>;
  using Page = Platform::Page;

  FindingWindow(std::uint64_t seed, std::uint32_t slots, std::uint32_t high_frames)
      : computer_({.cpus = 4, .slots = slots, .low_frames = 1, .high_frames = high_frames},
                  {.seed = seed, .chances = {}}) {
    mapper.open(slots);
  }

  [[nodiscard]] Page high(std::uint32_t number) { return computer_.high_page(number); }
  /// Maps the page, as a kmap() that may not sleep, reads it, and keeps the mapping.
  [[nodiscard]] bool take(std::uint32_t number) {
    void* const address = mapper.try_kmap(high(number));
    if (address != nullptr) static_cast<void>(computer_.read(address));
    return address != nullptr;
  }
  /// Maps the page, reads it, and gives it back.
  void touch(std::uint32_t number) {
    void* const address = mapper.kmap(high(number));
    ASSERT_NE(address, nullptr);
    static_cast<void>(computer_.read(address));
    mapper.kunmap(high(number));
  }
  /// The same in the way of a process: a look, then a map without another look, then a sleep.
  void touch_step_by_step(std::uint32_t number) {
    const auto found = computer_.platform().page_virtual(high(number)).load(memory_order_relaxed);
    void* address = mapper.kmap_if_seen(high(number), found);
    if (address == nullptr) address = mapper.kmap_unseen(high(number));
    if (address == nullptr) address = mapper.kmap(high(number));
    ASSERT_NE(address, nullptr);
    static_cast<void>(computer_.read(address));
    mapper.kunmap_address(address);
  }
  /// Searches without a lock find no slot of this page from now on.
  void hide(std::uint32_t number) { Cell::hide(&computer_.platform().page_virtual(high(number))); }
  static void hide_none() { Cell::hide(nullptr); }
  void check_unmapped(std::uint32_t number) {
    computer_.machine().check_unmapped(high(number)->frame);
  }
  void spawn(const std::string& name, std::function<void()> body) {
    scheduler().spawn(name, std::move(body));
  }
  [[nodiscard]] Scheduler& scheduler() { return computer_.threads().scheduler(); }
  /// Runs the threads, and expects all to end well.
  void run() {
    const Outcome outcome = scheduler().run();
    EXPECT_EQ(computer_.machine().faults().text(), "");
    EXPECT_EQ(outcome.report, "");
    EXPECT_EQ(outcome.end, Outcome::End::all_done);
  }

 private:
  using Cell = FindingScheduledThreads::Atomic<Mapper<Platform>::Word>;

  Computer<FindingScheduledThreads> computer_;
  MapperPointer<Platform> storage_ =
      make_mapper(computer_.platform(), computer_.machine().shape().slots);

 public:
  Mapper<Platform>& mapper = *storage_;
};

TEST(SlotsInUse, AreFewAtFirst) {
  FindingWindow window(1, 3'000, 16);
  window.spawn("maps", [&] {
    for (std::uint32_t i = 0; i < 16; ++i) window.touch(i);
  });
  window.run();
  EXPECT_EQ(window.mapper.slot_count(), 3'000U);
  EXPECT_EQ(window.mapper.slots_in_use(), kBroughtIntoUse);
}

TEST(SlotsInUse, GrowWithMissesOfSeveralThreadsUntilAllAreInUse) {
  for_each_seed(4, [](std::uint64_t seed) {
    constexpr std::uint32_t kThreads = 8;
    constexpr std::uint32_t kSlots = 1'700;  // not a multiple of what comes into use at once
    constexpr std::uint32_t kEach = kSlots / kThreads;
    FindingWindow window(seed, kSlots, kSlots);
    for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
      window.spawn("maps", [&window, thread] {
        for (std::uint32_t i = 0; i < kEach; ++i) EXPECT_TRUE(window.take(thread * kEach + i));
      });
    }
    window.run();
    EXPECT_EQ(window.mapper.slots_in_use(), kSlots);
    std::vector<bool> is_used(kSlots);
    for (std::uint32_t i = 0; i < kThreads * kEach; ++i) {
      const SlotIndex slot = window.mapper.find(window.high(i));
      ASSERT_LT(to_number(slot), kSlots);
      EXPECT_FALSE(is_used[to_number(slot)]);
      is_used[to_number(slot)] = true;
    }
  });
}

TEST(SlotsInUse, AreAllGivenToSleepersOfWhichEachNeedsMostOfThem) {
  for_each_seed(4, [](std::uint64_t seed) {
    constexpr std::uint32_t kSlots = 1'100;
    FindingWindow window(seed, kSlots, 1'200);
    std::uint32_t served = 0;
    for (int i = 0; i < 3; ++i) {
      window.spawn("reserves", [&] {
        const auto reservation = window.mapper.reserve(900);
        EXPECT_TRUE(static_cast<bool>(reservation));
        ++served;
      });
    }
    window.spawn("maps", [&] {
      for (std::uint32_t i = 0; i < 60; ++i) window.touch(i);
    });
    window.run();
    EXPECT_EQ(served, 3U);
    EXPECT_EQ(window.mapper.slots_in_use(), kSlots);
  });
}

TEST(FoundSlots, APageIsMappedAnewOnlyAfterItsFlush) {
  for_each_seed(100, [](std::uint64_t seed) {
    FindingWindow window(seed, 2, 4);
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      window.spawn("maps", [&window, thread] {
        for (std::uint32_t i = 0; i < 40; ++i) window.touch((thread + i) % 4);
      });
    }
    window.run();
    EXPECT_GT(window.mapper.stats().flushes, 0U);
  });
}

TEST(FoundSlots, AreSeenOrTakenWithoutAnotherLook) {
  for_each_seed(100, [](std::uint64_t seed) {
    FindingWindow window(seed, 2, 4);
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      window.spawn("maps", [&window, thread] {
        for (std::uint32_t i = 0; i < 40; ++i) window.touch_step_by_step((thread + i) % 4);
      });
    }
    window.run();
    // Each was counted as a hit or as a miss, and four threads cannot all find two slots.
    EXPECT_EQ(window.mapper.stats().hits + window.mapper.stats().misses, 4U * 40U);
    EXPECT_GT(window.mapper.stats().misses, 4U);
  });
}

/// A search without a lock may miss a page that is mapped, and then there may be no clean slot.
TEST(FoundSlots, APageThatSearchesMissIsMappedNevertheless) {
  FindingWindow window(1, 1, 2);
  window.spawn("one", [&] {
    ASSERT_TRUE(window.take(0));
    window.hide(0);
    EXPECT_TRUE(window.take(0));
    window.hide(1);
    EXPECT_FALSE(window.take(1));
    window.hide_none();
    for (int users = 2; users != 0; --users) window.mapper.kunmap(window.high(0));
  });
  window.run();
}

TEST(FoundSlots, AnEvictedPageHasBeenFlushedWhoeverTookItsSlotBack) {
  for_each_seed(200, [](std::uint64_t seed) {
    FindingWindow window(seed, 2, 8);
    window.spawn("frees a page", [&] {
      for (std::uint32_t i = 0; i < 20; ++i) {
        window.touch(0);
        EXPECT_NE(window.mapper.evict(window.high(0)), Evicted::pinned);
        window.check_unmapped(0);
      }
    });
    window.spawn("takes idle slots back", [&] {
      for (std::uint32_t i = 0; i < 40; ++i) window.touch(1 + i % 7);
    });
    window.run();
  });
}

TEST(FoundSlots, ASleeperGetsTheSlotOfTheLastUser) {
  for_each_seed(200, [](std::uint64_t seed) {
    FindingWindow window(seed, 1, 4);
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      window.spawn("maps", [&window, thread] {
        for (std::uint32_t i = 0; i < 10; ++i) window.touch(thread);
      });
    }
    window.run();
  });
}

}  // namespace
}  // namespace kmapper::simulated
