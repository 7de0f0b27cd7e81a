// kmap_local as seen by one thread, by a context switch, by a migration and by an interrupt.
#include "kmapper/core/local_map.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "kmapper/core/impl/local_map.hpp"
#include "kmapper/core/local_mapping.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

/// The test's own thread on CPU 0, with local slots.
class LocalTest : public testing::Test {
 protected:
  using HostLocal = LocalMapper<Platform<HostThreads>>;

  [[nodiscard]] const auto& the_report() {
    EXPECT_EQ(window_.computer().reports().size(), 1U);
    static const Computer<HostThreads>::Report kNone{};
    return window_.computer().reports().empty() ? kNone : window_.computer().reports().front();
  }
  [[nodiscard]] std::optional<FrameIndex> mapped(std::uint32_t slot) {
    return window_.machine().local().mapped_frame(SlotIndex{slot});
  }

  Window window_{4, 64, 2};
  HostLocal local_{window_.computer().platform()};
};

TEST_F(LocalTest, AMappedPageShowsItsFrame) {
  void* const address = local_.kmap_local(window_.high(3));
  EXPECT_TRUE(window_.shows(address, window_.high(3)));
  local_.kunmap_local(address);
  EXPECT_EQ(local_.depth(), 0U);
}

TEST_F(LocalTest, ALowPageHasItsDirectAddress) {
  void* const address = local_.kmap_local(window_.low(1));
  EXPECT_EQ(address, direct_address(window_.low(1)->frame));
  EXPECT_EQ(local_.depth(), 0U);
  local_.kunmap_local(address);
  EXPECT_TRUE(window_.computer().reports().empty());
}

TEST_F(LocalTest, TheNextPageInTheSameSlotIsSeen) {
  for (std::uint32_t i = 0; i < 10; ++i) {
    void* const address = local_.kmap_local(window_.high(i));
    EXPECT_EQ(address, local_slot_address(LocalSlot{0}));
    EXPECT_TRUE(window_.shows(address, window_.high(i)));
    local_.kunmap_local(address);
  }
}

TEST_F(LocalTest, AsManyPagesAsThereAreSlotsAreMappedAtOnce) {
  std::array<void*, kLocalDepth> addresses{};
  for (std::uint32_t i = 0; i < kLocalDepth; ++i) addresses[i] = local_.kmap_local(window_.high(i));
  for (std::uint32_t i = 0; i < kLocalDepth; ++i)
    EXPECT_TRUE(window_.shows(addresses[i], window_.high(i))) << i;
  for (std::uint32_t i = kLocalDepth; i != 0; --i) local_.kunmap_local(addresses[i - 1]);
  EXPECT_EQ(local_.depth(), 0U);
  EXPECT_TRUE(window_.computer().reports().empty());
}

TEST_F(LocalTest, OnePageMayBeMappedTwice) {
  void* const first = local_.kmap_local(window_.high(3));
  void* const second = local_.kmap_local(window_.high(3));
  EXPECT_NE(first, second);
  local_.kunmap_local(second);
  EXPECT_TRUE(window_.shows(first, window_.high(3)));
  local_.kunmap_local(first);
}

TEST_F(LocalTest, AnUnmappedSlotIsInNoTlb) {
  void* const address = local_.kmap_local(window_.high(3));
  EXPECT_TRUE(window_.shows(address, window_.high(3)));
  local_.kunmap_local(address);
  EXPECT_FALSE(mapped(0).has_value());
  EXPECT_FALSE(window_.machine().local().cached_frame(CpuIndex{0}, SlotIndex{0}).has_value());
}

TEST_F(LocalTest, AnyAddressInThePageUnmapsIt) {
  void* const address = local_.kmap_local(window_.high(3));
  local_.kunmap_local(static_cast<std::byte*>(address) + kPageSize - 1);
  EXPECT_EQ(local_.depth(), 0U);
  EXPECT_TRUE(window_.computer().reports().empty());
}

TEST_F(LocalTest, AnotherCpuHasOtherSlots) {
  window_.threads().migrate(CpuIndex{1});
  void* const address = local_.kmap_local(window_.high(3));
  EXPECT_EQ(address, local_slot_address(LocalSlot{kLocalDepth}));
  EXPECT_TRUE(window_.shows(address, window_.high(3)));
  local_.kunmap_local(address);
}

TEST_F(LocalTest, ABlocksMappingsEndWithIt) {
  {
    const LocalMapping first(local_, window_.high(3));
    const LocalMapping low(local_, window_.low(1));
    const LocalMapping second(local_, window_.high(4));
    EXPECT_TRUE(window_.shows(first.address(), window_.high(3)));
    EXPECT_TRUE(window_.shows(low.address(), window_.low(1)));
    EXPECT_TRUE(window_.shows(second.address(), window_.high(4)));
    EXPECT_EQ(local_.depth(), 2U);
  }
  EXPECT_EQ(local_.depth(), 0U);
}

TEST_F(LocalTest, ABlocksMappingThatWasRefusedUnmapsNothing) {
  for (std::uint32_t i = 0; i < kLocalDepth; ++i)
    ASSERT_NE(local_.kmap_local(window_.high(0)), nullptr);
  {
    const LocalMapping refused(local_, window_.high(1));
    EXPECT_EQ(refused.address(), nullptr);
  }
  EXPECT_EQ(local_.depth(), kLocalDepth);
  local_.unwind(0);
}

TEST_F(LocalTest, APairMapsTwoHighPages) {
  const LocalMapping below(local_, window_.high(9));
  {
    const LocalPair pair(local_, window_.high(3), window_.high(4));
    EXPECT_TRUE(window_.shows(pair.first(), window_.high(3)));
    EXPECT_TRUE(window_.shows(pair.second(), window_.high(4)));
    EXPECT_EQ(local_.depth(), 3U);
  }
  EXPECT_EQ(local_.depth(), 1U);
  EXPECT_FALSE(mapped(1).has_value());
  EXPECT_FALSE(mapped(2).has_value());
  EXPECT_TRUE(window_.shows(below.address(), window_.high(9)));
}

TEST_F(LocalTest, APairForWhichOneSlotIsLeftIsReportedAndUnmapsNothing) {
  for (std::uint32_t i = 0; i + 1 < kLocalDepth; ++i)
    ASSERT_NE(local_.kmap_local(window_.high(0)), nullptr);
  {
    const LocalPair pair(local_, window_.high(1), window_.high(2));
    EXPECT_EQ(pair.first(), nullptr);
    EXPECT_EQ(pair.second(), nullptr);
    EXPECT_EQ(the_report().what, Misuse::local_too_deep);
  }
  EXPECT_EQ(local_.depth(), kLocalDepth - 1);
  local_.unwind(0);
}

// --- Context switches ---

TEST_F(LocalTest, ASwitchTakesTheEntriesAwayAndPutsThemBack) {
  HostThreads::LocalStack& self = window_.threads().local_stack();
  HostThreads::LocalStack other;
  void* const first = local_.kmap_local(window_.high(3));
  void* const second = local_.kmap_local(window_.high(4));
  EXPECT_TRUE(window_.shows(first, window_.high(3)));
  local_.switch_stacks(self, other);
  EXPECT_FALSE(mapped(0).has_value());
  EXPECT_FALSE(mapped(1).has_value());
  EXPECT_FALSE(window_.machine().local().cached_frame(CpuIndex{0}, SlotIndex{0}).has_value());
  local_.switch_stacks(other, self);
  EXPECT_TRUE(window_.shows(first, window_.high(3)));
  EXPECT_TRUE(window_.shows(second, window_.high(4)));
  local_.kunmap_local(second);
  local_.kunmap_local(first);
}

TEST_F(LocalTest, AThreadThatHoldsAMappingMayNotMigrate) {
  HostThreads::LocalStack& self = window_.threads().local_stack();
  EXPECT_TRUE(self.is_empty());
  void* const address = local_.kmap_local(window_.high(3));
  EXPECT_FALSE(self.is_empty());
  local_.kunmap_local(address);
  EXPECT_TRUE(self.is_empty());
}

// --- Misuse ---

TEST_F(LocalTest, OutOfOrderIsReportedWithBothCallSitesAndNotDone) {
  void* const first = local_.kmap_local(window_.high(3));
  void* const second = local_.kmap_local(window_.high(4));
  local_.kunmap_local(first);
  EXPECT_EQ(the_report().what, Misuse::local_out_of_order);
  EXPECT_EQ(the_report().page, window_.high(4));
  EXPECT_EQ(the_report().address, first);
  EXPECT_NE(the_report().caller, nullptr);
  EXPECT_NE(the_report().mapped_at, nullptr);
  EXPECT_NE(the_report().caller, the_report().mapped_at);
  EXPECT_TRUE(window_.shows(first, window_.high(3)));
  local_.kunmap_local(second);
  local_.kunmap_local(first);
  EXPECT_EQ(window_.computer().reports().size(), 1U);
}

TEST_F(LocalTest, UnmappingTwiceIsReported) {
  void* const address = local_.kmap_local(window_.high(3));
  local_.kunmap_local(address);
  local_.kunmap_local(address);
  EXPECT_EQ(the_report().what, Misuse::local_not_mapped);
  EXPECT_EQ(the_report().address, address);
  EXPECT_EQ(the_report().mapped_at, nullptr);
  EXPECT_EQ(local_.depth(), 0U);
}

TEST_F(LocalTest, AnAddressOfAnotherKindIsReported) {
  void* const address = local_.kmap_local(window_.high(3));
  local_.kunmap_local(window_.mapper.kmap(window_.high(3)));
  EXPECT_EQ(the_report().what, Misuse::local_not_mapped);
  EXPECT_NE(the_report().mapped_at, nullptr);
  window_.mapper.kunmap(window_.high(3));
  local_.kunmap_local(address);
}

TEST_F(LocalTest, OneTooManyIsReportedWithBothCallSitesAndRefused) {
  std::array<void*, kLocalDepth> addresses{};
  for (void*& address : addresses) address = local_.kmap_local(window_.high(0));
  EXPECT_EQ(local_.kmap_local(window_.high(1)), nullptr);
  EXPECT_EQ(the_report().what, Misuse::local_too_deep);
  EXPECT_EQ(the_report().page, window_.high(1));
  EXPECT_NE(the_report().caller, nullptr);
  EXPECT_NE(the_report().mapped_at, nullptr);
  EXPECT_EQ(local_.unwind(0), kLocalDepth);
}

TEST_F(LocalTest, WhatAHandlerLeavesBehindIsReportedAndDropped) {
  void* const outer = local_.kmap_local(window_.high(3));
  const std::uint32_t before = local_.depth();
  ASSERT_NE(local_.kmap_local(window_.high(4)), nullptr);
  ASSERT_NE(local_.kmap_local(window_.high(5)), nullptr);
  local_.expect_depth(before);
  EXPECT_EQ(the_report().what, Misuse::local_left_mapped);
  EXPECT_EQ(the_report().page, window_.high(5));
  EXPECT_EQ(local_.depth(), before);
  local_.kunmap_local(outer);
  local_.expect_depth(0);
  EXPECT_EQ(window_.computer().reports().size(), 1U);
}

}  // namespace
}  // namespace kmapper::simulated
