// What a caller may do wrong: each is reported once, with slot and page, and leaves the window as
// it was.
#include <gtest/gtest.h>

#include <thread>

#include "kmapper/mapping.hpp"
#include "kmapper/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

/// The one report there is.
const Computer<HostThreads>::Report& the_report(Window& window) {
  EXPECT_EQ(window.computer().reports().size(), 1U);
  static const Computer<HostThreads>::Report kNone{};
  return window.computer().reports().empty() ? kNone : window.computer().reports().front();
}

TEST(Misuse, KunmapOfAPageThatIsNotMappedIsReported) {
  Window window(4);
  window.mapper.kunmap(window.high(3));
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_not_mapped);
  EXPECT_EQ(the_report(window).page, window.high(3));
  EXPECT_EQ(the_report(window).slot, kNoSlot);
  EXPECT_NE(the_report(window).caller, nullptr);
}

TEST(Misuse, KunmapTwiceIsReported) {
  Window window(4);
  window.touch(window.high(3));
  window.mapper.kunmap(window.high(3));
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_below_idle);
  EXPECT_EQ(the_report(window).page, window.high(3));
  EXPECT_EQ(the_report(window).slot, window.mapper.find(window.high(3)));
  EXPECT_EQ(the_report(window).holder.thread, 1);
}

TEST(Misuse, AWrongKunmapIsUndone) {
  Window window(1);
  window.touch(window.high(0));
  for (int i = 0; i < 10; ++i) window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
  for (int i = 0; i < 10; ++i) window.mapper.kunmap(window.high(1));
  EXPECT_EQ(window.computer().reports().size(), 20U);
  void* const address = window.mapper.kmap(window.high(1));
  EXPECT_TRUE(window.shows(address, window.high(1)));
}

TEST(Misuse, KunmapOfAnAddressOutsideTheWindowIsReported) {
  Window window(4);
  const void* const behind = window_address(SlotIndex{4});
  window.mapper.kunmap_address(behind);
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_wrong_address);
  EXPECT_EQ(the_report(window).address, behind);
}

TEST(Misuse, KunmapOfAnAddressThatMapsNothingIsReported) {
  Window window(4);
  window.mapper.kunmap_address(window_address(SlotIndex{2}));
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_below_idle);
  EXPECT_EQ(the_report(window).slot, SlotIndex{2});
  EXPECT_FALSE(word::is_live(window.mapper.inspect(SlotIndex{2}).word));
}

TEST(Misuse, KmapThatWouldSleepWithInterruptsOffIsReportedAndGivesNothing) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  const HostThreads::InterruptsOff off(window.threads());
  EXPECT_EQ(window.mapper.kmap(window.high(1)), nullptr);
  EXPECT_EQ(the_report(window).what, Misuse::kmap_may_not_sleep);
  EXPECT_EQ(the_report(window).page, window.high(1));
}

TEST(Misuse, KmapThatWouldSleepWithPreemptionOffIsReportedAndGivesNothing) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  const HostThreads::PreemptionOff off(window.threads());
  EXPECT_EQ(window.mapper.kmap(window.high(1)), nullptr);
  EXPECT_EQ(the_report(window).what, Misuse::kmap_may_not_sleep);
}

// Only a checked build asks on the fast path; both map what can be mapped without sleeping.
TEST(Misuse, KmapThatHappensToHitWithInterruptsOffIsReportedInACheckedBuild) {
  Window window(1);
  window.touch(window.high(0));
  const HostThreads::InterruptsOff off(window.threads());
  void* const address = window.mapper.kmap(window.high(0));
  EXPECT_TRUE(window.shows(address, window.high(0)));
  EXPECT_EQ(window.computer().reports().size(), Platform<HostThreads>::kChecked ? 1U : 0U);
}

TEST(Misuse, MoreUsersThanCanBeCountedAreRefusedAndReported) {
  constexpr std::uint32_t kMostUsers = 16'383;
  Window window(1);
  for (std::uint32_t i = 0; i < kMostUsers; ++i)
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr) << "user " << i;
  EXPECT_EQ(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.try_kmap(window.high(0)), nullptr);
  ASSERT_EQ(window.computer().reports().size(), 1U);  // a try that fails is no misuse
  EXPECT_EQ(window.computer().reports()[0].what, Misuse::too_many_users);
  EXPECT_EQ(window.computer().reports()[0].page, window.high(0));

  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::pinned);
  window.mapper.kunmap(window.high(0));
  EXPECT_NE(window.mapper.kmap(window.high(0)), nullptr);
  for (std::uint32_t i = 0; i < kMostUsers; ++i) window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
  EXPECT_EQ(window.computer().reports().size(), 1U);
}

// --- What only a checked build can tell: who holds what ---

constexpr bool kChecked = Platform<HostThreads>::kChecked;

/// Runs in another of the machine's threads, to its end.
template <class Body>
void elsewhere(Window& window, Body body) {
  std::thread([&] {
    const HostThreads::Attachment other(window.threads(), CpuIndex{0});
    body();
  }).join();
}

TEST(Ledger, AStolenPinOfASharedSlotIsReportedAndLeftWhereItIs) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  elsewhere(window, [&] { window.mapper.kunmap(window.high(0)); });
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_not_holder);
  EXPECT_EQ(the_report(window).slot, window.mapper.find(window.high(0)));
  EXPECT_EQ(the_report(window).holder.thread, 1);
  EXPECT_EQ(window.users(window.high(0)), 1U);
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
}

TEST(Ledger, AMappingThatWasHandedOverMayBeUnmappedByAnybody) {
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  window.mapper.hand_over(window.high(0));
  elsewhere(window, [&] { window.mapper.kunmap(window.high(0)); });
  EXPECT_TRUE(window.computer().reports().empty());
  EXPECT_EQ(window.users(window.high(0)), 0U);
}

TEST(Ledger, ReservingWhileHoldingAMappingIsAnErrorAtOnce) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.reserve(1).error(), MapError::holds_a_pin);
  EXPECT_EQ(the_report(window).what, Misuse::reserving_with_pins);
  EXPECT_EQ(the_report(window).page, window.high(0));
  window.mapper.kunmap(window.high(0));
}

TEST(Ledger, SleepingInKmapWhileHoldingAMappingIsReported) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.kmap_for(window.high(1), 1'000).error(), MapError::timed_out);
  EXPECT_EQ(the_report(window).what, Misuse::sleeping_with_pins);
  window.mapper.kunmap(window.high(0));
}

TEST(Holders, EachMappingThatIsHeldTooLongIsNamedWithItsHolders) {
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  elsewhere(window, [&] { ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr); });
  window.touch(window.high(1));
  EXPECT_EQ(window.mapper.report_holders(1'000'000'000), 0U);
  window.threads().set_tick(5'000);
  EXPECT_EQ(window.mapper.report_holders(1'000'000'000), kChecked ? 2U : 1U);
  for (const auto& report : window.computer().reports()) {
    EXPECT_EQ(report.what, Misuse::held_too_long);
    EXPECT_EQ(report.page, window.high(0));
    EXPECT_TRUE(report.holder.thread == 1 || report.holder.thread == 2);
    EXPECT_EQ(report.caller != nullptr, kChecked);
  }
}

TEST(Mapping, UseAfterSomebodyElsesKunmapIsReported) {
  if (!kChecked) GTEST_SKIP() << "a release build does not look";
  Window window(4);
  Mapping<Platform<HostThreads>> mapping(window.mapper, window.high(0));
  EXPECT_TRUE(window.shows(mapping.address(), window.high(0)));
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::taken_back);
  (void)mapping.address();
  EXPECT_EQ(the_report(window).what, Misuse::use_after_kunmap);
  EXPECT_EQ(the_report(window).page, window.high(0));
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);  // what the mapping will give back
}

}  // namespace
}  // namespace kmapper::simulated
