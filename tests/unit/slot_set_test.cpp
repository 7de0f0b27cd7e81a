// The set of slots: one thread against std::set, and several threads at once in orders that a seed
// chooses.
#include "kmapper/core/slot_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <vector>

#include "simulated/random.hpp"
#include "simulated/scheduled_atomic.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

struct HostAtomics {
  template <class T>
  using Atomic = std::atomic<T>;
};
struct ScheduledAtomics {
  template <class T>
  using Atomic = ScheduledAtomic<T>;
};
constexpr std::size_t kCapacity = 2'100;  // three summary words, the last leaf not full
/// A set of its largest size.
template <class Atomics>
struct WholeSet : SlotSet<Atomics, kCapacity> {
  WholeSet() { this->resize(kCapacity); }
};
using Set = WholeSet<HostAtomics>;
using SharedSet = WholeSet<ScheduledAtomics>;

TEST(SlotSet, AnEmptySetGivesNothing) {
  Set set;
  std::atomic<std::uint32_t> hint{0};
  EXPECT_EQ(set.take(hint), kNoSlot);
  EXPECT_EQ(set.next_leaf(0), Set::kNoLeaf);
}

TEST(SlotSet, TakesEachMemberOnce) {
  Set set;
  for (std::uint32_t i = 0; i < kCapacity; ++i) set.insert(SlotIndex{i});
  std::atomic<std::uint32_t> hint{0};
  std::set<SlotIndex> taken;
  for (std::uint32_t i = 0; i < kCapacity; ++i) taken.insert(set.take(hint));
  EXPECT_EQ(taken.size(), kCapacity);
  EXPECT_FALSE(taken.contains(kNoSlot));
  EXPECT_EQ(set.take(hint), kNoSlot);
}

TEST(SlotSet, FindsALoneMemberFromAnyHint) {
  for (const std::uint32_t member : {0U, 31U, 32U, 1'023U, 1'024U, 2'099U}) {
    for (std::uint32_t leaf = 0; leaf * Set::kLeafSlots < kCapacity; ++leaf) {
      Set set;
      set.insert(SlotIndex{member});
      std::atomic<std::uint32_t> hint{leaf};
      ASSERT_EQ(set.take(hint), SlotIndex{member}) << "from leaf " << leaf;
      ASSERT_EQ(hint.load(), Set::leaf_of(SlotIndex{member}));
    }
  }
}

TEST(SlotSet, NextLeafGoesRound) {
  Set set;
  set.insert(SlotIndex{5 * Set::kLeafSlots});
  set.insert(SlotIndex{40 * Set::kLeafSlots});
  EXPECT_EQ(set.next_leaf(0), 5U);
  EXPECT_EQ(set.next_leaf(5), 5U);
  EXPECT_EQ(set.next_leaf(6), 40U);
  EXPECT_EQ(set.next_leaf(41), 5U);
}

TEST(SlotSet, InsertsManySlotsOfALeafAtOnce) {
  Set set;
  constexpr std::uint32_t kFirst = 3 * Set::kLeafSlots;
  set.insert(3, 1U | Set::Bits{1} << (Set::kLeafSlots - 1));
  EXPECT_TRUE(set.contains(SlotIndex{kFirst}));
  EXPECT_TRUE(set.contains(SlotIndex{kFirst + Set::kLeafSlots - 1}));
  EXPECT_FALSE(set.contains(SlotIndex{kFirst + 1}));
}

TEST(SlotSet, BehavesAsASetDoes) {
  Set set;
  std::set<std::uint32_t> model;
  std::atomic<std::uint32_t> hint{0};
  Random random(1);
  for (int i = 0; i < 50'000; ++i) {
    const std::uint32_t slot = random.below(kCapacity);
    switch (random.below(3)) {
      case 0:
        set.insert(SlotIndex{slot});
        model.insert(slot);
        break;
      case 1:
        set.remove(SlotIndex{slot});
        model.erase(slot);
        break;
      default: {
        const SlotIndex taken = set.take(hint);
        ASSERT_EQ(taken == kNoSlot, model.empty());
        ASSERT_EQ(model.erase(to_number(taken)), taken == kNoSlot ? 0U : 1U);
      }
    }
    ASSERT_EQ(set.contains(SlotIndex{slot}), model.contains(slot));
  }
}

// Threads pass slots round: no slot may be taken twice, and none may get lost.
TEST(SlotSet, NoSlotIsTakenTwiceOrLost) {
  for_each_seed(200, [](std::uint64_t seed) {
    constexpr std::uint32_t kSlots = 70;
    Scheduler scheduler(seed, 4, {.switches = 2});
    auto set = std::make_unique<SharedSet>();
    for (std::uint32_t i = 0; i < kSlots; i += 3) set->insert(SlotIndex{i});
    std::vector<int> owners(kSlots, 0);
    bool taken_twice = false;
    for (std::uint32_t thread = 0; thread < 4; ++thread) {
      scheduler.spawn("takes", [&, thread] {
        ScheduledAtomic<std::uint32_t> hint{thread % 3};
        for (int i = 0; i < 100; ++i) {
          const SlotIndex slot = set->take(hint);
          if (slot == kNoSlot) continue;
          if (++owners[to_number(slot)] != 1) taken_twice = true;
          scheduler.point();
          --owners[to_number(slot)];
          set->insert(slot);
        }
      });
    }
    EXPECT_EQ(scheduler.run().report, "");
    EXPECT_FALSE(taken_twice);
    ScheduledAtomic<std::uint32_t> hint{0};
    for (std::uint32_t i = 0; i < kSlots; i += 3) EXPECT_NE(set->take(hint), kNoSlot);
    EXPECT_EQ(set->take(hint), kNoSlot);
  });
}

struct Scheduled {
  template <class T>
  using Atomic = ScheduledAtomic<T>;
};

// One thread corrects the summary of an empty leaf, a second fills that leaf, and a third must find
// it.
TEST(SlotSet, TakeSurelyIsNotDeceivedByACorrectionOfTheSummary) {
  for_each_seed(3'000, [](std::uint64_t seed) {
    SharedWindow window(seed, 1);
    SlotSet<Scheduled, 64> set;
    set.resize(64);
    ScheduledAtomic<std::uint32_t> hints[3]{};
    set.insert(SlotIndex{40});
    (void)set.take(hints[0]);  // the summary still shows the leaf
    hints[0].store(0, std::memory_order_relaxed);
    bool filled = false;
    SlotIndex found = kNoSlot;
    window.spawn("takes", [&] { (void)set.take(hints[1]); });
    window.spawn("fills", [&] {
      set.insert(1, 0x300);
      filled = true;
    });
    window.spawn("must find one", [&] {
      window.wait_until([&] { return filled; });
      found = set.take_surely(hints[2]);
    });
    window.run();
    EXPECT_NE(found, kNoSlot);
  });
}

}  // namespace
}  // namespace kmapper::simulated
