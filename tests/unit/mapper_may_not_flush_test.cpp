// Contexts that may not wait for other CPUs: a flush there is reported, and a page is still freed.
#include <gtest/gtest.h>

#include "kmapper/core/impl/scavenge.hpp"  // scavenge_ahead() with a predicate is a template
#include "kmapper/core/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

using Host = Platform<HostThreads>;

/// The only report.
Computer<HostThreads>::Report the_report(Window& window) {
  EXPECT_EQ(window.computer().reports().size(), 1U);
  return window.computer().reports().empty() ? Computer<HostThreads>::Report{}
                                             : window.computer().reports().front();
}

/// Whether the return address is in that function, whose length can only be guessed.
template <class Result, class... T>
bool is_in(const void* caller, Result (*function)(T...)) {
  constexpr std::uintptr_t kLongest = 16384;  // with a sanitizer's checks
  return reinterpret_cast<std::uintptr_t>(caller) - reinterpret_cast<std::uintptr_t>(function) <
         kLongest;
}

// Each function has more code behind the call: a call that is its caller's last act is compiled as
// a jump, and leaves no return address.
[[gnu::noinline]] void flush_all_here(Window& window) {
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 0U);
  asm volatile("");
}
[[gnu::noinline]] void scavenge_ahead_here(Window& window) {
  EXPECT_EQ(window.mapper.scavenge_ahead(4), 0U);
  asm volatile("");
}
[[gnu::noinline]] void scavenge_until_here(Window& window) {
  EXPECT_EQ(window.mapper.scavenge_ahead(4, [] { return false; }), 0U);
  asm volatile("");
}
[[gnu::noinline]] void finish_flushes_here(Window& window) {
  window.mapper.finish_flushes();
  asm volatile("");
}

void expect_a_report(void (*flush)(Window&)) {
  Window window(4);
  for (std::uint32_t i = 0; i < 4; ++i) window.touch(window.high(i));
  {
    const HostThreads::InterruptsOff off(window.threads());
    flush(window);
  }
  EXPECT_EQ(the_report(window).what, Misuse::flush_may_not_wait);
  EXPECT_TRUE(is_in(the_report(window).caller, flush));
  EXPECT_EQ(window.mapper.stats().scavenges, 0U);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 4U);
}

TEST(MayNotFlush, FlushAllIsReportedWithItsCallerAndDoesNothing) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  expect_a_report(flush_all_here);
}

TEST(MayNotFlush, ScavengingAheadIsReportedWithItsCallerAndDoesNothing) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  expect_a_report(scavenge_ahead_here);
  expect_a_report(scavenge_until_here);
}

TEST(MayNotFlush, FinishingFlushesIsReportedWithItsCallerIfOneIsDue) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  Window window(4);
  window.touch(window.high(0));
  const HostThreads::InterruptsOff off(window.threads());
  finish_flushes_here(window);
  EXPECT_TRUE(window.computer().reports().empty());
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::flush_owed);
  EXPECT_TRUE(window.computer().reports().empty());
  finish_flushes_here(window);
  EXPECT_EQ(the_report(window).what, Misuse::flush_may_not_wait);
  EXPECT_TRUE(is_in(the_report(window).caller, finish_flushes_here));
}

/// evict() under an allocator's spinlock.
Evicted evict_in_hurry(Window& window, Window::Page page) {
  const HostThreads::InterruptsOff off(window.threads());
  return window.mapper.evict(page);
}

class EvictInHurry : public testing::Test {
 protected:
  void SetUp() override {
    if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
    window.touch(window.high(0));
    EXPECT_EQ(evict_in_hurry(window, window.high(0)), Evicted::flush_owed);
  }
  Window window{1};
};

TEST_F(EvictInHurry, TakesThePageItsSlotAndKeepsTheSlotFromOthers) {
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  EXPECT_FALSE(window.machine().mapped_frame(SlotIndex{0}).has_value());
  EXPECT_FALSE(window.mapper.is_clean(SlotIndex{0}));
  const HostThreads::InterruptsOff off(window.threads());
  EXPECT_EQ(window.mapper.try_kmap(window.high(1)), nullptr);
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::flush_owed);  // it is still due
}

TEST_F(EvictInHurry, TheNextMissMakesTheFlush) {
  window.touch(window.high(1));  // the machine would report a stale translation
  window.machine().check_unmapped(window.high(0)->frame);
}

TEST_F(EvictInHurry, FinishFlushesMakesIt) {
  window.mapper.finish_flushes();
  window.machine().check_unmapped(window.high(0)->frame);
  EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
}

TEST_F(EvictInHurry, FlushAllMakesIt) {
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 0U);  // it was taken back before
  EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
}

TEST_F(EvictInHurry, ScavengingAheadMakesIt) {
  EXPECT_EQ(window.mapper.scavenge_ahead(1), 1U);
  EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
}

TEST_F(EvictInHurry, AReservationMakesIt) { EXPECT_TRUE(window.mapper.reserve(1)); }

TEST_F(EvictInHurry, AnEvictThatMayFlushMakesItToo) {
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::not_mapped);
  window.machine().check_unmapped(window.high(0)->frame);
}

TEST(EvictWithInterruptsOff, OwesNothingForAPageThatNobodyTouched) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(evict_in_hurry(window, window.high(0)), Evicted::pinned);
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(evict_in_hurry(window, window.high(0)), Evicted::taken_back);
  EXPECT_EQ(evict_in_hurry(window, window.high(0)), Evicted::not_mapped);
  EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
}

TEST(EvictWithInterruptsOff, ThePageMayBeMappedAgainBeforeTheFlush) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  Window window(2);
  window.touch(window.high(0));
  EXPECT_EQ(evict_in_hurry(window, window.high(0)), Evicted::flush_owed);
  window.touch(window.high(0));  // in the other slot
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
  window.machine().check_unmapped(window.high(0)->frame);
}

TEST(EvictWithInterruptsOff, ManySlotsAreFlushedInBatches) {
  if (Host::kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  Window window(64);
  for (std::uint32_t i = 0; i < 64; ++i) window.touch(window.high(i));
  for (std::uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(evict_in_hurry(window, window.high(i)), Evicted::flush_owed);
  window.touch(window.high(0));  // pays for one batch only
  EXPECT_EQ(window.mapper.stats().flushes, 1U);
  window.mapper.finish_flushes();
  EXPECT_EQ(window.mapper.stats().flushes, 3U);
  for (std::uint32_t i = 0; i < 64; ++i)
    EXPECT_EQ(window.mapper.is_clean(SlotIndex{i}),
              SlotIndex{i} != window.mapper.find(window.high(0)));
}

// A kmap that is about to sleep looks at the window while its slot is being taken.
TEST(EvictWithInterruptsOff, NeverLeavesASleeperBehind) {
  for_each_seed(300, [](std::uint64_t seed) {
    SharedWindow window(seed, 1, 3);
    window.spawn("sleeps", [&window] {
      for (int i = 0; i < 20; ++i) {
        void* const address = window.mapper.kmap(window.high(1));
        (void)window.computer().read(address);
        window.mapper.kunmap(window.high(1));
      }
    });
    window.spawn("frees", [&window] {
      for (int i = 0; i < 20; ++i) {
        void* const address = window.mapper.kmap(window.high(0));
        (void)window.computer().read(address);
        window.mapper.kunmap(window.high(0));
        const ScheduledThreads::InterruptsOff off(window.computer().threads());
        EXPECT_NE(window.mapper.evict(window.high(0)), Evicted::pinned);
      }
    });
    window.run();
  });
}

}  // namespace
}  // namespace kmapper::simulated
