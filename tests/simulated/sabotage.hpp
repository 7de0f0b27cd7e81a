// Faults that a test puts into the machine, to show that the tests would notice them in the real
// code. Each strikes once in `every` chances; 0 is never. Set before threads run.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper::simulated {

class Sabotage {
 public:
  void strike_every(std::uint32_t chances) { every_ = chances; }
  /// Whether this chance strikes. Any thread.
  [[nodiscard]] bool strikes() {
    if (every_ == 0) return false;
    return (chances_.fetch_add(1, std::memory_order_relaxed) + 1) % every_ == 0;
  }

 private:
  std::uint32_t every_ = 0;
  std::atomic<std::uint32_t> chances_{0};
};

struct Sabotages {
  Sabotage flush_dropped;        // an invalidation does nothing
  Sabotage drop_dropped;         // a CPU that comes by drops nothing, and says that it has
  Sabotage local_flush_dropped;  // an unmapped local slot stays in its CPU's TLB
  Sabotage vmap_flush_dropped;   // a flush of the vmap range does nothing
  Sabotage wake_dropped;         // a wake has no effect
  Sabotage pte_wrong;            // a PTE gets the frame next to the right one
  Sabotage accessed_hidden;      // a PTE that was used says that it was not
};

}  // namespace kmapper::simulated
