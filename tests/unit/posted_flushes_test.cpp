// Misses where flushes are posted: the test's thread moves between two CPUs of one machine, and so
// plays both.
#include "kmapper/core/posted_flushes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "simulated/random.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

using Flushes = PostedFlushes<4, std::atomic>;
constexpr std::uint32_t kOne = 1U << 4;

// --- The count ---

TEST(PostedFlushes, APostPassesWhenAllAwakeCpusHaveDropped) {
  Flushes flushes;
  for (const std::uint32_t cpu : {0U, 1U, 2U}) flushes.leave_long_idle(cpu, [] {});
  const Flushes::Posted posted = flushes.post();
  EXPECT_EQ(posted.awake, 0b111U);
  EXPECT_FALSE(posted.is_alone());
  EXPECT_EQ(flushes.late(posted.number), 0b111U);
  flushes.drop(1, [] {});
  EXPECT_EQ(flushes.late(posted.number), 0b101U);
  flushes.enter_idle(2);
  EXPECT_EQ(flushes.late(posted.number), 0b001U);
  ASSERT_TRUE(flushes.is_next(0, posted.number));
  flushes.note(0, posted.number);
  EXPECT_TRUE(flushes.has_passed(posted.number));
}

TEST(PostedFlushes, ACpuMayDropOnlyTheLastPostByItself) {
  Flushes flushes;
  flushes.leave_long_idle(0, [] {});
  (void)flushes.post();
  EXPECT_FALSE(flushes.is_next(0, flushes.post().number));
  EXPECT_TRUE(flushes.is_behind(0, 2));
  EXPECT_FALSE(flushes.is_behind(0, 3));
}

TEST(PostedFlushes, ACpuThatWakesDropsWhatWasPostedMeanwhile) {
  Flushes flushes;
  int drops = 0;
  flushes.leave_long_idle(0, [] {});
  flushes.leave_long_idle(1, [&drops] { ++drops; });
  EXPECT_EQ(drops, 1);
  flushes.enter_idle(1);
  flushes.leave_idle(1, [&drops] { ++drops; });
  EXPECT_EQ(drops, 1) << "there was no post";
  flushes.enter_idle(1);
  const auto number = flushes.post().number;
  flushes.leave_idle(1, [&drops] { ++drops; });
  EXPECT_EQ(drops, 2);
  EXPECT_EQ(flushes.late(number), 0b01U);
}

TEST(PostedFlushes, ACpuInRing3IsNotLate) {
  Flushes flushes;
  int drops = 0;
  flushes.leave_long_idle(0, [] {});
  flushes.enter_user(0);
  EXPECT_TRUE(flushes.has_passed(flushes.post().number));
  flushes.leave_user(0, [&] {
    ++drops;
    EXPECT_EQ(flushes.late(flushes.latest()), 0b1U) << "it is back, and has not dropped yet";
  });
  EXPECT_EQ(drops, 1);
  EXPECT_TRUE(flushes.has_passed(flushes.latest()));
  flushes.enter_user(0);
  flushes.leave_user(0, [&drops] { ++drops; });
  EXPECT_EQ(drops, 1) << "there was no post";
}

TEST(PostedFlushes, ShortNumbersMeanTheLastPostThatFits) {
  Flushes flushes;
  Flushes::Number number = 0;
  for (int i = 0; i < 70'000; ++i) {
    number = flushes.post().number;
    EXPECT_EQ(flushes.lengthen(Flushes::shorten(number)), number);
    const Flushes::Number before = number - 1'000 * kOne;
    if (i > 1'000) {
      EXPECT_EQ(flushes.lengthen(Flushes::shorten(before)), before);
    }
  }
  // One that has come round means a later post, never an earlier one.
  EXPECT_EQ(flushes.lengthen(Flushes::shorten(number - 32'768 * kOne)), number);
}

TEST(PostedFlushes, ANumberOfHalfARoundAgoHasPassed) {
  Flushes flushes;
  flushes.leave_long_idle(0, [] {});
  const auto number = flushes.post().number;
  EXPECT_FALSE(flushes.has_passed(number));
  EXPECT_TRUE(flushes.has_passed(number + (1U << 31)));
}

// --- The window ---

/// A window of two CPUs that are awake, of which the test's thread is on the first.
class TwoCpus : public PostingWindow {
 public:
  explicit TwoCpus(std::uint32_t slots) : PostingWindow(slots, 4 * slots, 2), pages_(4 * slots) {}

  [[nodiscard]] auto& flushes() { return computer().posted_flushes(); }
  [[nodiscard]] std::uint32_t calls() { return computer().calls().load(); }
  void on(std::uint32_t cpu) { threads().migrate(CpuIndex{cpu}); }
  void other_comes_by() {
    on(1);
    computer().platform().come_by();
    on(0);
  }
  /// Maps pages that have no slot.
  void miss(std::uint32_t times) {
    for (; times != 0; --times) {
      touch(high(next_));
      next_ = (next_ + 1) % pages_;
    }
  }
  [[nodiscard]] std::uint32_t clean() {
    std::uint32_t clean = 0;
    for (std::uint32_t i = 0; i < mapper.slot_count(); ++i) clean += mapper.is_clean(SlotIndex{i});
    return clean;
  }

 private:
  const std::uint32_t pages_;
  std::uint32_t next_ = 0;
};

class PostedMisses : public testing::Test {
 protected:
  void SetUp() override {
    if (Platform<PostingHostThreads>::kStrict)
      GTEST_SKIP() << "a strict build keeps no page mapped";
  }
};

TEST_F(PostedMisses, InterruptNobodyWhileTheOthersIdle) {
  TwoCpus window(64);
  window.flushes().enter_idle(1);
  window.machine().set_idle(CpuIndex{1}, true);
  window.miss(1'000);
  EXPECT_EQ(window.calls(), 0U);
  EXPECT_LE(window.clean(), 4U) << "no slot waits while this CPU is alone";
}

TEST_F(PostedMisses, InterruptNobodyInTheEndIfTheOtherComesBy) {
  TwoCpus window(512);
  for (int i = 0; i < 100; ++i) {
    window.miss(40);
    window.other_comes_by();
  }
  const std::uint32_t calls = window.calls();
  for (int i = 0; i < 100; ++i) {
    window.miss(40);
    window.other_comes_by();
  }
  EXPECT_EQ(window.calls(), calls);
}

TEST_F(PostedMisses, InterruptACpuThatNeverComesByOnceForManySlots) {
  TwoCpus window(512);
  window.miss(8'192);
  const std::uint32_t calls = window.calls();
  window.miss(8'192);
  // A quarter of the window may wait: half of it, shared by two CPUs.
  EXPECT_LE(window.calls() - calls, 8'192U / 100);
}

TEST_F(PostedMisses, HideNoCleanSlotFromAThreadThatMoves) {
  TwoCpus window(256);
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    window.on(random.below(2));
    window.miss(random.between(1, 8));
    if (i % 4 == 0) window.other_comes_by();
  }
  // Each CPU has a leaf of four that it takes from.
  EXPECT_LE(window.clean(), 16U);
}

TEST_F(PostedMisses, TakeSlotsThatAreReferencedInOneRound) {
  for (const std::uint32_t slots : {64U, 1'024U}) {
    TwoCpus window(slots);
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t i = 0; i < slots; ++i) window.touch(window.high(i));
    }
    void* const address = window.mapper.try_kmap(window.high(slots));
    EXPECT_NE(address, nullptr);
    EXPECT_LE(window.calls(), 1U);
  }
}

TEST_F(PostedMisses, AFreedPageWaitsForItsOwnPostAlone) {
  TwoCpus window(64);
  window.miss(1);  // high(0) loses its slot below
  window.miss(200);
  ASSERT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  window.other_comes_by();
  window.computer().platform().come_by();
  const std::uint32_t calls = window.calls();
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::not_mapped);
  EXPECT_EQ(window.calls(), calls) << "its post has passed";
  window.machine().check_unmapped(window.high(0)->frame);
}

TEST_F(PostedMisses, AFreedPageIsInNoTlbWhileItsEarlierSlotWaits) {
  // The page loses a slot that was read on the other CPU, then another that nobody has read.
  TwoCpus window(64);
  const auto page = window.high(255);
  window.on(1);
  window.touch(page);
  window.on(0);
  window.miss(130);
  ASSERT_EQ(window.mapper.find(page), kNoSlot);
  ASSERT_NE(window.mapper.try_kmap(page), nullptr);
  window.mapper.kunmap(page);
  EXPECT_EQ(window.mapper.evict(page), Evicted::taken_back);
  window.machine().check_unmapped(page->frame);
}

TEST_F(PostedMisses, APageFreedWhereNobodyMayFlushOwesItsFlush) {
  TwoCpus window(64);
  const auto page = window.high(0);
  window.touch(page);
  {
    const PostingHostThreads::InterruptsOff off(window.threads());
    EXPECT_EQ(window.mapper.evict(page), Evicted::flush_owed);
  }
  window.mapper.finish_flushes();
  window.machine().check_unmapped(page->frame);
  EXPECT_EQ(window.mapper.evict(page), Evicted::not_mapped);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 0U);
  EXPECT_EQ(window.clean(), 64U);
}

}  // namespace
}  // namespace kmapper::simulated
