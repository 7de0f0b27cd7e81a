// Which pages lose their slots where the window remembers pages (kmapper/core/remember.hpp), and
// that each idle slot is found there, too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "simulated/random.hpp"
#include "simulated/remembering_threads.hpp"
#include "window.hpp"

namespace kmapper::simulated {
namespace {

using RememberingWindow = WindowOn<RememberingHostThreads>;

/// Uses a few pages in turn, and between two of these uses two pages of a scan: between two uses of
/// one page, the scan goes through as many pages as the window has slots. Returns how many of the
/// later uses of the few pages were hits, of 100.
template <class W>
std::uint32_t hits_beside_scan() {
  constexpr std::uint32_t kSlots = 64;
  constexpr std::uint32_t kFew = 32;
  constexpr std::uint32_t kScan = 800;
  constexpr std::uint32_t kUses = 50 * kFew;
  W window(kSlots, kFew + kScan);
  std::uint32_t scanned = 0;
  std::uint64_t hits_before = 0;
  for (std::uint32_t use = 0; use < 2 * kUses; ++use) {
    if (use == kUses) hits_before = window.mapper.stats().hits;
    window.touch(window.high(use % kFew));
    for (int i = 0; i < 2; ++i) window.touch(window.high(kFew + scanned++ % kScan));
  }
  return static_cast<std::uint32_t>((window.mapper.stats().hits - hits_before) * 100 / kUses);
}

TEST(Remember, AScanDoesNotThrowOutWhatIsUsedAgainAndAgain) {
  EXPECT_GE(hits_beside_scan<RememberingWindow>(), 90U);
  EXPECT_LE(hits_beside_scan<Window>(), 10U);  // as the first hand alone would
}

TEST(Remember, APageThatReturnsSoonHasItsSecondChanceAtOnce) {
  RememberingWindow window(32, 200);
  for (std::uint32_t i = 0; i < 40; ++i) window.touch(window.high(i));
  ASSERT_EQ(window.mapper.find(window.high(0)), kNoSlot);
  const auto is_referenced = [&](std::uint32_t page) {
    window.touch(window.high(page));
    const SlotIndex slot = window.mapper.find(window.high(page));
    return (window.mapper.inspect(slot).word & word::kReferenced<std::uint32_t>) != 0;
  };
  EXPECT_FALSE(is_referenced(100));
  EXPECT_TRUE(is_referenced(0));
}

TEST(Remember, AFirstUseOfWhatWasMappedAheadIsNoSecondUse) {
  RememberingWindow window(32, 200);
  for (const bool is_ahead : {false, true}) {
    for (std::uint32_t i = 0; i < 40; ++i) window.touch(window.high(i));
    for (std::uint32_t i = 40; i < 44; ++i) {
      void* const address = window.mapper.try_kmap(window.high(i));
      if (is_ahead) window.mapper.note_ahead(address);
      window.mapper.kunmap(window.high(i));
      window.touch(window.high(i));
    }
    for (std::uint32_t i = 100; i < 200; ++i) window.touch(window.high(i));
    std::uint32_t left = 0;
    for (std::uint32_t i = 40; i < 44; ++i) left += window.mapper.find(window.high(i)) != kNoSlot;
    EXPECT_EQ(left, is_ahead ? 0U : 4U);
    for (std::uint32_t i = 40; i < 44; ++i) (void)window.mapper.evict(window.high(i));
  }
}

TEST(Remember, ABatchLeavesNearlyAllOfASmallWindow) {
  for (const std::uint32_t slots : {4U, 16U, 48U, 128U}) {
    RememberingWindow window(slots, 200);
    for (std::uint32_t i = 0; i <= slots; ++i) window.touch(window.high(i));
    std::uint32_t left = 0;
    for (std::uint32_t i = 0; i < slots; ++i) left += window.mapper.find(window.high(i)) != kNoSlot;
    EXPECT_GE(left, slots - std::max(1U, slots / 16));
  }
}

/// Whatever is pinned, in windows of any small size: as long as a slot is idle, a kmap that must
/// not sleep gets one; and it always ends.
TEST(Remember, EachIdleSlotIsFoundWhateverIsPinned) {
  for (std::uint32_t slots = 1; slots <= 40; ++slots) {
    constexpr std::uint32_t kPages = 120;
    RememberingWindow window(slots, kPages);
    Random random(slots);
    std::vector<std::uint32_t> held;
    for (int i = 0; i < 4000; ++i) {
      const bool gives_back = held.size() == slots || (!held.empty() && random.one_in(3));
      if (gives_back) {
        std::swap(held[random.below(static_cast<std::uint32_t>(held.size()))], held.back());
        window.mapper.kunmap(window.high(held.back()));
        held.pop_back();
        continue;
      }
      const std::uint32_t page = random.below(kPages);
      void* const address = window.mapper.try_kmap(window.high(page));
      ASSERT_NE(address, nullptr) << slots << " slots, " << held.size() << " held";
      if (random.one_in(3)) window.mapper.note_ahead(address);
      held.push_back(page);
    }
    for (const std::uint32_t page : held) window.mapper.kunmap(window.high(page));
  }
}

}  // namespace
}  // namespace kmapper::simulated
