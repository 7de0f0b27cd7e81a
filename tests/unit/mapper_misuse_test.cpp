// A caller's errors: each is reported once, with slot, page, the thread that took the slot and the
// wrong call, and leaves the window unchanged.
#include <gtest/gtest.h>

#include <array>
#include <span>
#include <thread>

#include "kmapper/core/mapping.hpp"
#include "kmapper/core/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

using Host = Platform<HostThreads>;
constexpr bool kChecked = Host::kChecked;
constexpr bool kStrict = Host::kStrict;

/// The only report.
const Computer<HostThreads>::Report& the_report(Window& window) {
  EXPECT_EQ(window.computer().reports().size(), 1U);
  static const Computer<HostThreads>::Report kNone{};
  return window.computer().reports().empty() ? kNone : window.computer().reports().front();
}

/// The wrong calls, each with more code behind it: a call that is its caller's last act is compiled
/// as a jump, and leaves no return address.
[[gnu::noinline]] void* kmap_here(Window& window, Window::Page page) {
  void* const address = window.mapper.kmap(page);
  asm volatile("");
  return address;
}
[[gnu::noinline]] void kunmap_here(Window& window, Window::Page page) {
  window.mapper.kunmap(page);
  asm volatile("");
}
[[gnu::noinline]] void kunmap_address_here(Window& window, const void* address) {
  window.mapper.kunmap_address(address);
  asm volatile("");
}

/// Whether the return address is in that function, whose length can only be guessed.
template <class Result, class... T>
bool is_in(const void* caller, Result (*function)(T...)) {
  constexpr std::uintptr_t kLongest = 16384;  // with a sanitizer's checks
  return reinterpret_cast<std::uintptr_t>(caller) - reinterpret_cast<std::uintptr_t>(function) <
         kLongest;
}

TEST(Misuse, KunmapOfAPageThatIsNotMappedIsReported) {
  Window window(4);
  kunmap_here(window, window.high(3));
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_not_mapped);
  EXPECT_EQ(the_report(window).page, window.high(3));
  EXPECT_EQ(the_report(window).slot, kNoSlot);
  EXPECT_TRUE(is_in(the_report(window).caller, kunmap_here));
}

TEST(Misuse, KunmapTwiceIsReported) {
  if (kStrict) GTEST_SKIP() << "a strict build keeps no page mapped";
  Window window(4);
  window.touch(window.high(3));
  kunmap_here(window, window.high(3));
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_below_idle);
  EXPECT_EQ(the_report(window).page, window.high(3));
  EXPECT_EQ(the_report(window).slot, window.mapper.find(window.high(3)));
  EXPECT_EQ(the_report(window).holder.thread, 1);
  EXPECT_TRUE(is_in(the_report(window).caller, kunmap_here));
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
  kunmap_address_here(window, behind);
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_wrong_address);
  EXPECT_EQ(the_report(window).address, behind);
  EXPECT_TRUE(is_in(the_report(window).caller, kunmap_address_here));
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
  EXPECT_EQ(kmap_here(window, window.high(1)), nullptr);
  EXPECT_EQ(the_report(window).what, Misuse::kmap_may_not_sleep);
  EXPECT_EQ(the_report(window).page, window.high(1));
  EXPECT_TRUE(is_in(the_report(window).caller, kmap_here));
}

TEST(Misuse, KmapThatWouldSleepWithPreemptionOffIsReportedAndGivesNothing) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  const HostThreads::PreemptionOff off(window.threads());
  EXPECT_EQ(window.mapper.kmap(window.high(1)), nullptr);
  EXPECT_EQ(the_report(window).what, Misuse::kmap_may_not_sleep);
}

// Only a checked build checks on the fast path; both builds map what needs no sleep.
TEST(Misuse, KmapThatHappensToHitWithInterruptsOffIsReportedInACheckedBuild) {
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  const HostThreads::InterruptsOff off(window.threads());
  void* const address = kmap_here(window, window.high(0));
  EXPECT_TRUE(window.shows(address, window.high(0)));
  if (!kChecked) {
    EXPECT_TRUE(window.computer().reports().empty());
    return;
  }
  EXPECT_EQ(the_report(window).what, Misuse::kmap_may_not_sleep);
  EXPECT_EQ(the_report(window).slot, window.mapper.find(window.high(0)));
  EXPECT_EQ(the_report(window).holder.thread, 1);
  EXPECT_TRUE(is_in(the_report(window).caller, kmap_here));
}

TEST(Misuse, MoreUsersThanCanBeCountedAreRefusedAndReported) {
  constexpr std::uint32_t kMostUsers = 16'383;
  Window window(1);
  for (std::uint32_t i = 0; i < kMostUsers; ++i)
    ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr) << "user " << i;
  EXPECT_EQ(kmap_here(window, window.high(0)), nullptr);
  EXPECT_EQ(window.mapper.try_kmap(window.high(0)), nullptr);
  ASSERT_EQ(window.computer().reports().size(), 1U);  // a failed try_kmap is no misuse
  EXPECT_EQ(window.computer().reports()[0].what, Misuse::too_many_users);
  EXPECT_EQ(window.computer().reports()[0].page, window.high(0));
  EXPECT_EQ(window.computer().reports()[0].slot, SlotIndex{0});
  EXPECT_EQ(window.computer().reports()[0].holder.thread, 1);
  EXPECT_TRUE(is_in(window.computer().reports()[0].caller, kmap_here));

  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::pinned);
  window.mapper.kunmap(window.high(0));
  EXPECT_NE(window.mapper.kmap(window.high(0)), nullptr);
  for (std::uint32_t i = 0; i < kMostUsers; ++i) window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.users(window.high(0)), 0U);
  EXPECT_EQ(window.computer().reports().size(), 1U);
}

// --- What only a checked build knows: which thread holds which slot ---

/// Runs the body in another thread of the machine, to its end.
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
  elsewhere(window, [&] { kunmap_here(window, window.high(0)); });
  EXPECT_EQ(the_report(window).what, Misuse::kunmap_not_holder);
  EXPECT_EQ(the_report(window).page, window.high(0));
  EXPECT_TRUE(is_in(the_report(window).caller, kunmap_here));
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

[[gnu::noinline]] MapError reserve_here(Window& window) { return window.mapper.reserve(1).error(); }
[[gnu::noinline]] MapError kmap_for_here(Window& window, Window::Page page) {
  return window.mapper.kmap_for(page, 1'000).error();
}
[[gnu::noinline]] MapError kmap_all_here(Window& window, Window::Page one, Window::Page other) {
  PageAddress<Host> pages[] = {{one}, {other}};
  return window.mapper.kmap_all(pages, {window.threads().now() + 1'000, nullptr});
}

TEST(Ledger, ReservingWhileHoldingAMappingIsAnErrorAtOnce) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(reserve_here(window), MapError::holds_a_pin);
  EXPECT_EQ(the_report(window).what, Misuse::reserving_with_pins);
  EXPECT_EQ(the_report(window).page, window.high(0));
  EXPECT_EQ(the_report(window).slot, window.mapper.find(window.high(0)));
  EXPECT_EQ(the_report(window).holder.thread, 1);
  EXPECT_TRUE(is_in(the_report(window).caller, reserve_here));
  window.mapper.kunmap(window.high(0));
}

TEST(Ledger, KmapAllThatWouldSleepWhileHoldingAMappingIsAnErrorAtOnce) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(2);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(kmap_all_here(window, window.high(1), window.high(2)), MapError::holds_a_pin);
  EXPECT_EQ(the_report(window).what, Misuse::reserving_with_pins);
  EXPECT_EQ(the_report(window).page, window.high(0));
  EXPECT_TRUE(is_in(the_report(window).caller, kmap_all_here));
  window.mapper.kunmap(window.high(0));
}

TEST(Ledger, SleepingInKmapWhileHoldingAMappingIsReported) {
  if (!kChecked) GTEST_SKIP() << "a release build cannot know";
  Window window(1);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  EXPECT_EQ(kmap_for_here(window, window.high(1)), MapError::timed_out);
  EXPECT_EQ(the_report(window).what, Misuse::sleeping_with_pins);
  EXPECT_EQ(the_report(window).page, window.high(0));  // what is held
  EXPECT_EQ(the_report(window).slot, SlotIndex{0});
  EXPECT_EQ(the_report(window).holder.thread, 1);
  EXPECT_TRUE(is_in(the_report(window).caller, kmap_for_here));
  window.mapper.kunmap(window.high(0));
}

TEST(Holders, EachMappingThatIsHeldTooLongIsNamedWithItsHolders) {
  Window window(4);
  ASSERT_NE(kmap_here(window, window.high(0)), nullptr);
  elsewhere(window, [&] { ASSERT_NE(kmap_here(window, window.high(0)), nullptr); });
  window.touch(window.high(1));
  EXPECT_EQ(window.mapper.report_holders(1'000'000'000), 0U);
  window.threads().set_tick(5'000);
  EXPECT_EQ(window.mapper.report_holders(1'000'000'000), kChecked ? 2U : 1U);
  for (const auto& report : window.computer().reports()) {
    EXPECT_EQ(report.what, Misuse::held_too_long);
    EXPECT_EQ(report.page, window.high(0));
    EXPECT_EQ(report.slot, window.mapper.find(window.high(0)));
    EXPECT_TRUE(report.holder.thread == 1 || report.holder.thread == 2);
    EXPECT_EQ(is_in(report.caller, kmap_here), kChecked);
  }
}

[[gnu::noinline]] void map_in_every_way(Window& window) {
  ASSERT_NE(window.mapper.try_kmap(window.high(0)), nullptr);
  ASSERT_TRUE(window.mapper.kmap_for(window.high(1), 1));
  PageAddress<Host> two[] = {{window.high(2)}, {window.high(3)}};
  ASSERT_EQ(window.mapper.kmap_all(two), MapError::none);
  std::array<PageAddress<Host>, 2> some{{{window.high(4)}, {window.high(5)}}};
  ASSERT_EQ(window.mapper.kmap_all(std::span(some)), MapError::none);
}
[[gnu::noinline]] void map_in_reservation(Window& window) {
  Result<Reservation<Host>> reservation = window.mapper.reserve(1);
  ASSERT_TRUE(reservation);
  ASSERT_TRUE(reservation->kmap(window.high(6)));
}

TEST(Holders, AreNamedWithTheirCallInWhateverWayTheyMapped) {
  if (!kChecked) GTEST_SKIP() << "a release build does not know the calls";
  Window window(8);
  elsewhere(window, [&] { map_in_every_way(window); });
  elsewhere(window, [&] { map_in_reservation(window); });
  EXPECT_EQ(window.mapper.report_holders(0), 7U);
  for (const auto& report : window.computer().reports()) {
    if (report.page == window.high(6)) {
      EXPECT_TRUE(is_in(report.caller, map_in_reservation));
    } else {
      EXPECT_TRUE(is_in(report.caller, map_in_every_way))
          << "page " << to_number(report.page->frame);
    }
  }
}

}  // namespace
}  // namespace kmapper::simulated
