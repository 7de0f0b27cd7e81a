// Handles that outlive their mapping: a checked build detects them by page, users and generation.
// And the strict build: a page without users is not mapped, so that a stale pointer faults.
#include "kmapper/core/mapping.hpp"

#include <gtest/gtest.h>

#include "window.hpp"

namespace kmapper::simulated {
namespace {

using Host = Platform<HostThreads>;
using HostMapping = Mapping<Host>;

/// With more code behind the call, so that it leaves a return address.
[[gnu::noinline]] void use_here(const HostMapping& mapping) {
  (void)mapping.address();
  asm volatile("");
}

/// A mapping, in the only slot of a window, that another thread has unmapped.
class StaleMapping : public testing::Test {
 protected:
  void SetUp() override {
    if (!Host::kChecked) GTEST_SKIP() << "a release build does not look";
    EXPECT_TRUE(window_.shows(mapping_.address(), page_));
    window_.mapper.kunmap(page_);
  }
  /// A use is reported, and so is the end of the handle, which unmaps nothing.
  void expect_told() {
    use_here(mapping_);
    mapping_ = HostMapping::try_map(window_.mapper, window_.low(0));
    ASSERT_EQ(window_.computer().reports().size(), 2U);
    for (const auto& report : window_.computer().reports()) {
      EXPECT_EQ(report.what, Misuse::use_after_kunmap);
      EXPECT_EQ(report.page, page_);
      EXPECT_EQ(report.slot, SlotIndex{0});
      EXPECT_EQ(report.address, window_address(SlotIndex{0}));
    }
    const auto* const caller = static_cast<const char*>(window_.computer().reports()[0].caller);
    EXPECT_LT(static_cast<std::size_t>(caller - reinterpret_cast<const char*>(&use_here)), 4096U);
  }

  Window window_{1};
  Window::Page page_ = window_.high(0);
  HostMapping mapping_{window_.mapper, page_};
};

TEST_F(StaleMapping, IsToldWhileItsPageIsIdleOrUnmapped) { expect_told(); }

TEST_F(StaleMapping, IsToldFromAnotherPageInItsSlot) {
  void* const address = window_.mapper.kmap(window_.high(1));
  ASSERT_EQ(address, window_address(SlotIndex{0}));
  expect_told();
  EXPECT_EQ(window_.users(window_.high(1)), 1U);
  window_.mapper.kunmap(window_.high(1));
}

TEST_F(StaleMapping, IsToldFromItsOwnPageThatLostItsSlotAndCameBack) {
  window_.mapper.flush_all_zero_pkmaps();  // a strict build has done it
  ASSERT_NE(window_.mapper.kmap(page_), nullptr);
  expect_told();
  EXPECT_EQ(window_.users(page_), 1U);
  window_.mapper.kunmap(page_);
}

TEST(Mapping, OfALowPageIsNeverStale) {
  Window window(1);
  HostMapping mapping(window.mapper, window.low(1));
  EXPECT_TRUE(window.shows(mapping.address(), window.low(1)));
  window.mapper.kunmap(window.low(1));
  EXPECT_TRUE(window.shows(mapping.address(), window.low(1)));
  EXPECT_TRUE(window.computer().reports().empty());
}

TEST(Mapping, KeepsItsGenerationWhenItIsMoved) {
  Window window(2);
  // Puts the slots into generations 2 and 1.
  for (const std::uint32_t pages : {2U, 1U}) {
    for (std::uint32_t i = 0; i < pages; ++i)
      ASSERT_NE(window.mapper.kmap(window.high(i)), nullptr);
    for (std::uint32_t i = 0; i < pages; ++i) window.mapper.kunmap(window.high(i));
    window.mapper.flush_all_zero_pkmaps();
  }
  HostMapping first(window.mapper, window.high(0));
  HostMapping second(window.mapper, window.high(1));
  std::swap(first, second);
  const HostMapping third = std::move(first);
  EXPECT_TRUE(window.shows(third.address(), window.high(1)));
  EXPECT_TRUE(window.shows(second.address(), window.high(0)));
  EXPECT_TRUE(window.computer().reports().empty());
}

// --- What only a strict build does ---

TEST(Strict, AnAccessAfterKunmapFaults) {
  if (!Host::kStrict) GTEST_SKIP() << "the page stays mapped for the next kmap";
  Computer<HostThreads> computer({.cpus = 2, .slots = 4, .low_frames = 1, .high_frames = 8});
  const HostThreads::Attachment here(computer.threads(), CpuIndex{0});
  const auto mapper = std::make_unique<Mapper<Host>>(computer.platform());
  mapper->open(4);
  const auto page = computer.high_page(5);
  void* const address = mapper->kmap(page);
  (void)computer.read(address);
  computer.threads().migrate(CpuIndex{1});
  (void)computer.read(address);
  mapper->kunmap(page);
  ASSERT_EQ(computer.machine().faults().text(), "");
  for (const std::uint32_t cpu : {0U, 1U}) {
    computer.threads().migrate(CpuIndex{cpu});
    (void)computer.read(address);
    const std::string text = computer.machine().faults().text();
    EXPECT_NE(text.find("CPU " + std::to_string(cpu) + " faulted at address"), std::string::npos);
    EXPECT_NE(text.find("use after kunmap of frame 6 in slot 0"), std::string::npos) << text;
  }
}

TEST(Strict, APageStaysMappedUntilItsLastUserHasGone) {
  if (!Host::kStrict) GTEST_SKIP() << "the page stays mapped for the next kmap";
  Window window(4);
  void* const address = window.mapper.kmap(window.high(0));
  ASSERT_EQ(window.mapper.kmap(window.high(0)), address);
  window.mapper.kunmap(window.high(0));
  EXPECT_TRUE(window.shows(address, window.high(0)));
  window.mapper.kunmap(window.high(0));
  EXPECT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  EXPECT_TRUE(window.mapper.is_clean(SlotIndex{0}));
}

// To unmap needs a flush. A thread that may not wait for it leaves the page to the next thread that
// may.
TEST(Strict, AKunmapThatMayNotFlushLeavesThePageToTheScavenger) {
  if (!Host::kStrict) GTEST_SKIP() << "the page stays mapped for the next kmap";
  Window window(4);
  ASSERT_NE(window.mapper.kmap(window.high(0)), nullptr);
  {
    const HostThreads::InterruptsOff off(window.threads());
    window.mapper.kunmap(window.high(0));
  }
  EXPECT_NE(window.mapper.find(window.high(0)), kNoSlot);
  EXPECT_EQ(window.mapper.flush_all_zero_pkmaps(), 1U);
}

}  // namespace
}  // namespace kmapper::simulated
