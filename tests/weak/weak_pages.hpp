// What the weak game knows about each page: how many threads may use it, as an allocator's
// reference count would, and up to where its users had come when they unmapped it.
//
// The count orders what evict() asks of its caller, and nothing else: all use of the page, and all
// its freeings, before the next freeing. All other order has to come from the core.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>

#include "simulated/weak_threads.hpp"

namespace kmapper::simulated {

class WeakPages {
 public:
  explicit WeakPages(std::uint32_t frames) : pages_(frames) {}

  /// The caller is about to map the page. False: it is being freed, or somebody else was faster.
  [[nodiscard]] bool begin_use(FrameIndex frame) {
    WeakAtomic<std::uint32_t>& users = page(frame).users;
    std::uint32_t seen = users.load(std::memory_order_relaxed);
    return seen != kBeingFreed &&
           users.compare_exchange_strong(seen, seen + 1, std::memory_order_relaxed,
                                         std::memory_order_relaxed);
  }
  void end_use(FrameIndex frame) { page(frame).users.fetch_sub(1, std::memory_order_release); }

  /// The caller frees the page, unless somebody uses it.
  [[nodiscard]] bool begin_free(FrameIndex frame) {
    std::uint32_t nobody = 0;
    return page(frame).users.compare_exchange_strong(nobody, kBeingFreed, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
  }
  void end_free(FrameIndex frame) { page(frame).users.store(0, std::memory_order_release); }

  /// All that users of the page did before they unmapped it: what its next mapping has to show.
  [[nodiscard]] const WeakClock& unmapped(FrameIndex frame) { return page(frame).unmapped; }
  /// A user that came that far has unmapped the page.
  void note_unmapped(FrameIndex frame, WeakStep user) { page(frame).unmapped.include(user); }

 private:
  static constexpr std::uint32_t kBeingFreed = UINT32_MAX;

  struct PageState {
    WeakAtomic<std::uint32_t> users;
    WeakClock unmapped;
  };
  [[nodiscard]] PageState& page(FrameIndex frame) { return pages_[to_number(frame)]; }

  std::deque<PageState> pages_;
};

}  // namespace kmapper::simulated
