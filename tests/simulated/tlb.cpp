#include "simulated/tlb.hpp"

namespace kmapper::simulated {

std::optional<FrameIndex> Tlb::lookup(SlotIndex slot) const {
  // Acquire: pairs with the fill in walk(), whose CPU has seen the PTE that the slot's mapper
  // wrote.
  const std::uint32_t entry = entries_[to_number(slot)].load(std::memory_order_acquire);
  if (entry == kEmpty) return std::nullopt;
  return FrameIndex{entry - 1};
}

std::optional<FrameIndex> Tlb::walk(SlotIndex slot, AtomicPte& pte) {
  const std::lock_guard walk(walking_);
  Pte seen = pte.load();
  do {
    if (!seen.is_present()) return std::nullopt;
  } while (!seen.is_accessed() && !pte.compare_exchange_weak(seen, seen.accessed()));
  entries_[to_number(slot)].store(to_number(seen.frame()) + 1, std::memory_order_release);
  return seen.frame();
}

void Tlb::invalidate(SlotIndex slot) {
  const std::lock_guard no_walk(walking_);
  entries_[to_number(slot)].store(kEmpty, std::memory_order_release);
}

}  // namespace kmapper::simulated
