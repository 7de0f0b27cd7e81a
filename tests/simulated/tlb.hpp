// The TLB of one simulated CPU, for the window: it remembers what it has walked until it is told to
// forget, as hardware may. It never forgets by itself, so that a flush that was left out is always
// found out.
//
// A walk sets the PTE's Accessed bit by an atomic exchange before the translation is remembered
// (Intel SDM vol. 3A, 4.10.2.3), and an invalidation waits for a walk under way on that CPU, as
// INVLPG does.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "kmapper/core/slot.hpp"
#include "simulated/addresses.hpp"
#include "simulated/pte.hpp"

namespace kmapper::simulated {

class Tlb {
 public:
  explicit Tlb(std::uint32_t slots) : entries_(slots) {}

  /// What the slot's translation is here without a walk. Any thread.
  [[nodiscard]] std::optional<FrameIndex> lookup(SlotIndex slot) const;

  /// Walks the slot's PTE and remembers what it says; nothing if it is not present. Any thread.
  std::optional<FrameIndex> walk(SlotIndex slot, AtomicPte& pte);

  /// Forgets the slot; when it returns, no walk that saw the PTE's old value is under way. Any
  /// thread.
  void invalidate(SlotIndex slot);

 private:
  static constexpr std::uint32_t kEmpty = 0;  // else the frame + 1

  std::mutex walking_;  // held by a walk, so that invalidate() can wait for it
  std::vector<std::atomic<std::uint32_t>> entries_;
};

}  // namespace kmapper::simulated
