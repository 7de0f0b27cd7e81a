// A window that is not open, and slots and addresses outside the window: they are reported, and not
// used.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "kmapper/core/reservation.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

using Host = Platform<HostThreads>;

/// A machine whose window has not been opened.
class ClosedWindow {
 public:
  [[nodiscard]] Computer<HostThreads>& computer() { return computer_; }
  [[nodiscard]] auto high(std::uint32_t number) { return computer_.high_page(number); }
  /// The only report.
  [[nodiscard]] Computer<HostThreads>::Report the_report() {
    EXPECT_EQ(computer_.reports().size(), 1U);
    return computer_.reports().empty() ? Computer<HostThreads>::Report{}
                                       : computer_.reports().front();
  }

 private:
  Computer<HostThreads> computer_{{.cpus = 1, .slots = 4, .low_frames = 4, .high_frames = 8}};
  HostThreads::Attachment attachment_{computer_.threads(), CpuIndex{0}};
  std::unique_ptr<Mapper<Host>> storage_ = std::make_unique<Mapper<Host>>(computer_.platform());

 public:
  Mapper<Host>& mapper = *storage_;
};

/// Whether the return address is in that function, whose length can only be guessed.
template <class Result, class... T>
bool is_in(const void* caller, Result (*function)(T...)) {
  constexpr std::uintptr_t kLongest = 16384;  // with a sanitizer's checks
  return reinterpret_cast<std::uintptr_t>(caller) - reinterpret_cast<std::uintptr_t>(function) <
         kLongest;
}

// Each function has more code behind the call: a call that is its caller's last act is compiled as
// a jump, and leaves no return address.
[[gnu::noinline]] void kmap_here(ClosedWindow& window) {
  EXPECT_EQ(window.mapper.kmap(window.high(0)), nullptr);
  asm volatile("");
}
[[gnu::noinline]] void try_kmap_here(ClosedWindow& window) {
  EXPECT_EQ(window.mapper.try_kmap(window.high(0)), nullptr);
  asm volatile("");
}
[[gnu::noinline]] void kmap_for_here(ClosedWindow& window) {
  EXPECT_EQ(window.mapper.kmap_for(window.high(0), 1'000).error(), MapError::too_large);
  asm volatile("");
}
[[gnu::noinline]] void kmap_all_here(ClosedWindow& window) {
  PageAddress<Host> pages[] = {{window.high(0)}, {window.high(1)}};
  EXPECT_EQ(window.mapper.kmap_all(pages), MapError::too_large);
  asm volatile("");
}
[[gnu::noinline]] void reserve_here(ClosedWindow& window) {
  EXPECT_EQ(window.mapper.reserve(1).error(), MapError::too_large);
  asm volatile("");
}
[[gnu::noinline]] void open_here(ClosedWindow& window, std::uint32_t slots) {
  window.mapper.open(slots);
  asm volatile("");
}

TEST(NotOpen, EachWayOfMappingIsReportedAtOnceWithItsCaller) {
  for (void (*const map)(ClosedWindow&) :
       {kmap_here, try_kmap_here, kmap_for_here, kmap_all_here, reserve_here}) {
    ClosedWindow window;
    map(window);
    EXPECT_EQ(window.the_report().what, Misuse::not_open);
    EXPECT_EQ(window.the_report().slot, kNoSlot);
    EXPECT_TRUE(is_in(window.the_report().caller, map));
  }
}

TEST(NotOpen, WhatTakesNoSlotDoesNothing) {
  ClosedWindow window;
  EXPECT_EQ(window.mapper.kmap_if_mapped(window.high(0)), nullptr);
  EXPECT_NE(window.mapper.kmap(window.computer().low_page(0)), nullptr);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 0U);
  EXPECT_EQ(window.mapper.scavenge_ahead(1), 0U);
  EXPECT_EQ(window.mapper.evict(window.high(0)), Evicted::not_mapped);
  window.mapper.finish_flushes();
  EXPECT_TRUE(window.computer().reports().empty());
}

TEST(Open, WithANumberOfSlotsThatNoWindowHasIsReportedAndOpensNothing) {
  for (const std::uint32_t slots :
       {0U, static_cast<std::uint32_t>(Host::kMaxSlots) + 1, UINT32_MAX}) {
    ClosedWindow window;
    open_here(window, slots);
    EXPECT_EQ(window.the_report().what, Misuse::wrong_open);
    EXPECT_EQ(window.the_report().slots, slots);
    EXPECT_EQ(window.the_report().most_slots, Host::kMaxSlots);
    EXPECT_TRUE(is_in(window.the_report().caller, open_here));
    EXPECT_EQ(window.mapper.slot_count(), 0U);
    window.mapper.open(4);
    EXPECT_NE(window.mapper.kmap(window.high(0)), nullptr);
    EXPECT_EQ(window.computer().reports().size(), 1U);
  }
}

TEST(Open, ASecondTimeIsReportedAndChangesNothing) {
  ClosedWindow window;
  window.mapper.open(4);
  void* const address = window.mapper.kmap(window.high(0));
  open_here(window, 2);
  EXPECT_EQ(window.the_report().what, Misuse::wrong_open);
  EXPECT_EQ(window.mapper.slot_count(), 4U);
  EXPECT_EQ(window.mapper.kmap_if_mapped(window.high(0)), address);
}

TEST(OutsideTheWindow, ASlotThatThereIsNotMapsNothing) {
  Window window(4);
  for (const SlotIndex slot : {SlotIndex{4}, SlotIndex{1'000'000'000}, kNoSlot}) {
    const auto view = window.mapper.inspect(slot);
    EXPECT_EQ(view.word, 0U);
    EXPECT_EQ(view.page, nullptr);
    EXPECT_FALSE(window.mapper.is_clean(slot));
  }
}

TEST(OutsideTheWindow, AnAddressHasNoGenerationAndIsNotHeld) {
  Window window(4);
  for (const std::uint32_t slot : {4U, 10'000U}) {
    const void* const address = window_address(SlotIndex{slot});
    EXPECT_EQ(window.mapper.generation_of(address), 0U);
    EXPECT_FALSE(window.mapper.check_held(window.high(0), address, 0));
    EXPECT_EQ(window.computer().reports().back().what, Misuse::use_after_kunmap);
    EXPECT_EQ(window.computer().reports().back().slot, kNoSlot);
    EXPECT_EQ(window.computer().reports().back().address, address);
  }
}

// In 64 bits: its slot number, truncated to 32 bits, would be a slot of the window.
TEST(OutsideTheWindow, AnAddressFarAwayIsTakenForNoSlot) {
  if (sizeof(void*) == 4) GTEST_SKIP() << "no address is so far away";
  Window window(4);
  void* const held = window.mapper.kmap(window.high(0));
  const std::uint32_t generation = window.mapper.generation_of(held);
  const void* const far =
      static_cast<std::byte*>(held) + (std::uint64_t{1} << 32) * simulated::kPageSize;
  EXPECT_FALSE(window.mapper.check_held(window.high(0), far, generation));
  EXPECT_TRUE(window.mapper.check_held(window.high(0), held, generation));
  window.mapper.kunmap(window.high(0));
}

TEST(OutsideTheWindow, MorePagesAtOnceThanSlotsAreAnError) {
  Window window(2);
  PageAddress<Host> pages[] = {{window.high(0)}, {window.high(1)}, {window.high(2)}};
  EXPECT_EQ(window.mapper.kmap_all(pages), MapError::too_large);
  EXPECT_EQ(window.mapper.reserve(3).error(), MapError::too_large);
  EXPECT_TRUE(window.computer().reports().empty());
}

}  // namespace
}  // namespace kmapper::simulated
