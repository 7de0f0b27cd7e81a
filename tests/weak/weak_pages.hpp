// What the weak game knows about each page: how many threads may use it, like an allocator's
// reference count, and the last step of each user before it unmapped the page.
//
// The count orders only what evict() asks of its caller: all uses of the page, and all its
// freeings, before the next freeing. All other order has to come from the core.
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

  /// Called before the caller maps the page. False: it is being freed, or another thread was
  /// faster.
  [[nodiscard]] bool begin_use(FrameIndex frame) {
    WeakAtomic<std::uint32_t>& users = page(frame).users;
    std::uint32_t seen = users.load(std::memory_order_relaxed);
    return seen != kBeingFreed &&
           users.compare_exchange_strong(seen, seen + 1, std::memory_order_relaxed,
                                         std::memory_order_relaxed);
  }
  void end_use(FrameIndex frame) { page(frame).users.fetch_sub(1, std::memory_order_release); }

  /// Called before the caller frees the page. False: the page has users.
  [[nodiscard]] bool begin_free(FrameIndex frame) {
    std::uint32_t nobody = 0;
    return page(frame).users.compare_exchange_strong(nobody, kBeingFreed, std::memory_order_acquire,
                                                     std::memory_order_relaxed);
  }
  void end_free(FrameIndex frame) { page(frame).users.store(0, std::memory_order_release); }

  /// All that users of the page did before they unmapped it: its next mapping has to show it.
  [[nodiscard]] const WeakClock& unmapped(FrameIndex frame) { return page(frame).unmapped; }
  /// Notes that a user at that step has unmapped the page.
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
