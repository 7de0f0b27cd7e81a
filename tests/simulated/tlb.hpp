// The TLB of one simulated CPU, for the window: it keeps each translation that it has walked until
// it is invalidated, as hardware may. It never drops one by itself, so that a missing flush is
// always found.
//
// A walk sets the PTE's Accessed bit by an atomic exchange before the TLB keeps the translation
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

  /// The slot's translation in this TLB, without a walk. Any thread.
  [[nodiscard]] std::optional<FrameIndex> lookup(SlotIndex slot) const;

  /// Walks the slot's PTE and keeps the translation; nothing if it is not present. Any thread.
  std::optional<FrameIndex> walk(SlotIndex slot, AtomicPte& pte);

  /// Drops the slot's translation; when it returns, no walk that saw the PTE's old value is under
  /// way. Any thread.
  void invalidate(SlotIndex slot);

 private:
  static constexpr std::uint32_t kEmpty = 0;  // otherwise the frame + 1

  std::mutex walking_;  // held by a walk, so that invalidate() can wait for it
  std::vector<std::atomic<std::uint32_t>> entries_;
};

}  // namespace kmapper::simulated
