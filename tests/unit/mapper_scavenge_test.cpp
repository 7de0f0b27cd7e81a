// Taking idle slots back: which slots are spared, what a batch costs, and what happens to a freed
// page.
#include <gtest/gtest.h>

#include <thread>

#include "kmapper/core/impl/observe.hpp"   // release_pins() is a template of its own
#include "kmapper/core/impl/scavenge.hpp"  // and so is scavenge_ahead()
#include "window.hpp"

namespace kmapper::simulated {
namespace {

/// Maps pages 0 to n - 1 and leaves them idle, each accessed by the CPU.
void fill(Window& window, std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) window.touch(window.high(i));
}

TEST(Scavenge, AMissInAFullWindowTakesAnIdleSlot) {
  Window window(4);
  fill(window, 4);
  window.touch(window.high(4));
  const Stats stats = window.mapper.stats();
  EXPECT_EQ(stats.misses, 5U);
  EXPECT_EQ(stats.scavenges, 1U);
  EXPECT_EQ(stats.sleeps, 0U);
}

TEST(Scavenge, TheScavengerSkipsReferencedSlots) {
  Window window(4);
  fill(window, 4);
  for (int i = 0; i < 2; ++i) window.touch(window.high(2));  // hits set the referenced bit
  void* const hot = window.mapper.kmap(window.high(2));
  window.mapper.kunmap(window.high(2));
  window.touch(window.high(10));
  EXPECT_EQ(window.mapper.kmap(window.high(2)), hot);
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
}

TEST(Scavenge, AReferencedSlotGetsOnlyOneSecondChance) {
  Window window(2);
  fill(window, 2);
  fill(window, 2);  // both referenced now
  window.touch(window.high(2));
  window.touch(window.high(3));
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  EXPECT_EQ(window.mapper.find(window.high(1)), kNoSlot);
}

TEST(Scavenge, PinnedSlotsAreNeverTaken) {
  Window window(8);
  void* const pinned = window.mapper.kmap(window.high(0));
  for (std::uint32_t i = 1; i < 64; ++i) window.touch(window.high(i));
  EXPECT_TRUE(window.shows(pinned, window.high(0)));
  EXPECT_EQ(window.mapper.kmap(window.high(0)), pinned);
}

TEST(Scavenge, ASlotParkedWhilePinnedIsTakenOnceItIsIdle) {
  Window window(2);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  for (std::uint32_t i = 1; i < 8; ++i) window.touch(window.high(i));
  const SlotIndex slot = window.mapper.find(window.high(0));
  EXPECT_TRUE(word::is_parked(window.mapper.inspect(slot).word));
  window.mapper.kunmap(window.high(0));
  EXPECT_FALSE(word::is_parked(window.mapper.inspect(slot).word));
  for (std::uint32_t i = 1; i < 8; ++i) window.touch(window.high(i));
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
}

TEST(Scavenge, AScavengeIsBounded) {
  Window window(512, 600);
  fill(window, 512);
  window.touch(window.high(512));
  EXPECT_EQ(window.mapper.stats().scavenges, 1U);
  EXPECT_LE(window.mapper.stats().slots_scavenged, 32U);
}

TEST(ScavengeAhead, SparesTheMissesToComeAScavenge) {
  Window window(64, 128);
  fill(window, 64);
  EXPECT_GE(window.mapper.scavenge_ahead(20), 20U);
  const std::uint64_t scavenges = window.mapper.stats().scavenges;
  for (std::uint32_t i = 64; i < 84; ++i) window.touch(window.high(i));
  EXPECT_EQ(window.mapper.stats().scavenges, scavenges);
}

TEST(ScavengeAhead, TakesNoMoreThanItIsAskedForAndABatch) {
  Window window(64);
  fill(window, 64);
  EXPECT_LT(window.mapper.scavenge_ahead(10), 10U + 32U);
  const std::uint64_t taken = window.mapper.stats().slots_scavenged;
  window.mapper.scavenge_ahead(10);  // they are there already
  EXPECT_EQ(window.mapper.stats().slots_scavenged, taken);
}

TEST(ScavengeAhead, StopsWhenThereIsSomethingBetterToDo) {
  Window window(64);
  fill(window, 64);
  int batches = 2;
  window.mapper.scavenge_ahead(64, [&batches] { return batches-- == 0; });
  EXPECT_EQ(window.mapper.stats().scavenges, 2U);
}

TEST(ScavengeAhead, DoesNotRunAfterThoseWhoUseUpWhatItTakes) {
  Window window(64, 128);
  fill(window, 64);
  std::uint32_t next = 64;
  window.mapper.scavenge_ahead(16, [&] {
    for (int i = 0; i < 8; ++i) window.touch(window.high(next++));
    return false;
  });
  EXPECT_LT(window.mapper.stats().slots_scavenged, 2 * 32U);
}

TEST(ScavengeAhead, EndsWhereThereIsNothingToTake) {
  Window window(40);
  for (std::uint32_t i = 0; i < 40; ++i) ASSERT_NE(window.mapper.kmap(window.high(i)), nullptr);
  EXPECT_EQ(window.mapper.scavenge_ahead(40), 0U);
  EXPECT_EQ(window.mapper.scavenge_ahead(40), 0U);  // the hand finds none any more
  for (std::uint32_t i = 0; i < 40; ++i) window.mapper.kunmap(window.high(i));
}

TEST(ScavengeAhead, SparesWhatWasUsedLately) {
  Window window(16);
  fill(window, 16);
  fill(window, 16);  // all referenced now
  EXPECT_EQ(window.mapper.scavenge_ahead(1), 0U);
  EXPECT_GE(window.mapper.scavenge_ahead(1), 1U);  // and not since
}

TEST(Flush, ABatchIsFlushedOnce) {
  Window window(64, 80);
  fill(window, 64);
  window.touch(window.high(64));
  const Stats stats = window.mapper.stats();
  EXPECT_GT(stats.slots_scavenged, 1U);
  EXPECT_EQ(stats.flushes, 1U);
  EXPECT_EQ(stats.flushes_avoided, 0U);
}

TEST(Flush, UntouchedPagesNeedNoFlush) {
  Window window(4);
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_NE(window.mapper.kmap(window.high(i)), nullptr);
    window.mapper.kunmap(window.high(i));
  }
  EXPECT_EQ(window.mapper.stats().scavenges, 1U);
  EXPECT_EQ(window.mapper.stats().flushes, 0U);
  EXPECT_EQ(window.mapper.stats().flushes_avoided, 1U);
}

TEST(Flush, APageThatAnotherCpuWalkedSpeculativelyIsFlushedThere) {
  Window window(1, 64, 2);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  window.mapper.kunmap(window.high(0));
  window.machine().speculate(CpuIndex{1}, SlotIndex{0});
  window.touch(window.high(1));
  EXPECT_FALSE(window.machine().cached_frame(CpuIndex{1}, SlotIndex{0}).has_value());
  EXPECT_EQ(window.mapper.stats().flushes, 1U);
}

TEST(FlushAllZeroPkmaps, TakesEveryIdleSlot) {
  Window window(100, 100);
  fill(window, 100);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 100U);
  for (std::uint32_t i = 0; i < 100; ++i) {
    EXPECT_EQ(window.mapper.find(window.high(i)), kNoSlot);
    EXPECT_TRUE(window.mapper.is_clean(SlotIndex{i}));
  }
}

TEST(FlushAllZeroPkmaps, TakesReferencedSlotsToo) {
  Window window(4);
  fill(window, 4);
  fill(window, 4);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 4U);
}

TEST(FlushAllZeroPkmaps, LeavesPinnedSlotsAlone) {
  Window window(4);
  fill(window, 3);
  void* const pinned = window.mapper.kmap(window.high(3));
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 3U);
  EXPECT_TRUE(window.shows(pinned, window.high(3)));
}

TEST(FlushAllZeroPkmaps, OfAnEmptyWindowDoesNothing) {
  Window window(4);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 0U);
  EXPECT_EQ(window.mapper.stats().scavenges, 0U);
}

TEST(Evict, TakesAnIdleSlotBack) {
  Window window(4);
  window.touch(window.high(0));
  const SlotIndex slot = window.mapper.find(window.high(0));
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
  EXPECT_TRUE(window.mapper.is_clean(slot));
  window.machine().check_unmapped(window.high(0)->frame);
}

TEST(Evict, RefusesAPinnedPage) {
  Window window(4);
  void* const address = window.mapper.kmap(window.high(0));
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::pinned);
  EXPECT_TRUE(window.shows(address, window.high(0)));
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
}

TEST(Evict, OfAPageThatIsNotMappedDoesNothing) {
  Window window(4);
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::not_mapped);
  window.touch(window.high(0));
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::not_mapped);
}

TEST(Evict, AnEvictedPageCanBeMappedAgain) {
  Window window(1);
  for (int i = 0; i < 10; ++i) {
    window.touch(window.high(0));
    EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
  }
}

// Another thread may have taken the page's slot and not flushed it yet. The allocator may not get
// the page before that flush either.
TEST(Evict, WaitsForAFlushUnderWayElsewhere) {
  for_each_seed(300, [](std::uint64_t seed) {
    SharedWindow window(seed, 2, 3);
    bool freed = false;
    for (const std::uint32_t page : {1U, 2U}) {
      window.spawn("needs slots", [&window, &freed, page] {
        while (!freed) {
          void* const address = window.mapper.kmap(window.high(page));
          (void)window.computer().read(address);
          window.mapper.kunmap(window.high(page));
        }
      });
    }
    window.spawn("frees", [&window, &freed] {
      for (int i = 0; i < 20; ++i) {
        void* const address = window.mapper.kmap(window.high(0));
        (void)window.computer().read(address);
        window.mapper.kunmap(window.high(0));
        EXPECT_NE(window.mapper.evict(window.high(0)), Evicted::pinned);
        window.machine().check_unmapped(window.high(0)->frame);
      }
      freed = true;
    });
    window.run();
  });
}

constexpr bool kKnowsHolders = Platform<HostThreads>::kChecked;  // of every pin

TEST(ReleasePins, ReleasesWhatADeadHolderHeld) {
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
  ASSERT_NE(window.mapper.kmap(window.high(1)), nullptr);
  window.touch(window.high(2));
  EXPECT_EQ(window.mapper.release_pins([](Stamp holder) { return holder.thread == 2; }), 0U);
  EXPECT_EQ(window.mapper.release_pins([](Stamp holder) { return holder.thread == 1; }),
            kKnowsHolders ? 3U : 0U);
  EXPECT_EQ(window.users(window.high(0)), kKnowsHolders ? 0U : 1U);
  EXPECT_EQ(window.users(window.high(1)), kKnowsHolders ? 0U : 2U);
}

// The slot still names the thread that took it from idle, although that thread has unmapped it and
// another holds it.
TEST(ReleasePins, NeverTakesAPinFromTheLiving) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  std::thread([&window] {
    const HostThreads::Attachment other(window.threads(), CpuIndex{0});
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  }).join();
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.mapper.release_pins([](Stamp holder) { return holder.thread == 1; }), 0U);
  EXPECT_EQ(window.users(window.high(0)), 1U);
  EXPECT_EQ(window.mapper.try_kmap(window.high(1)), nullptr);
}

}  // namespace
}  // namespace kmapper::simulated
