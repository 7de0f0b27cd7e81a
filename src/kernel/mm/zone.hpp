// One zone of memory: a buddy allocator with a name and a lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "kernel/mm/buddy.hpp"
#include "kernel/sched/spinlock.hpp"

namespace kmapper::kernel {

class Zone {
 public:
  constexpr Zone() = default;

  /// See Buddy. Once, at boot; a zone that was never opened is empty.
  void open(PfnRange span, std::span<BitmapTree::Word> memory) { buddy_ = Buddy(span, memory); }

  /// Adds page frames to the zone's size; they are not free yet. Any context.
  void enlarge(std::uint32_t pages) {
    const Locked guard(lock_);
    pages_ += pages;
  }
  /// See Buddy. Any context.
  [[nodiscard]] std::optional<Pfn> alloc(unsigned order) {
    const Locked guard(lock_);
    return buddy_.alloc(order);
  }
  /// Any range; a range that was allocated as one block is one step. Any context.
  [[nodiscard]] Buddy::Refusal free(PfnRange pages) {
    const Locked guard(lock_);
    return buddy_.add(pages);
  }
  /// The number of the zone's page frames, and of its free ones. Any context.
  [[nodiscard]] std::uint32_t pages() {
    const Locked guard(lock_);
    return pages_;
  }
  [[nodiscard]] std::uint32_t free_pages() {
    const Locked guard(lock_);
    return buddy_.free_pages();
  }

 private:
  Spinlock lock_{};
  Buddy buddy_{};
  std::uint32_t pages_ = 0;
};

}  // namespace kmapper::kernel
