// Misuse by callers: finding it, reporting it, undoing it. The release build finds what the word
// alone shows. The checked build keeps a ledger of all holders, and checks before it acts. All
// loads here are relaxed: a correct caller reads what its own pin keeps unchanged, and a report may
// be late.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

template <class P>
void Mapper<P>::report(Misuse what, SlotIndex slot, Page page, const void* address,
                       const void* caller) {
  Stamp holder{};
  if (slot != kNoSlot) holder = slot_of(slot).holder.load(memory_order_relaxed);
  platform_.report(MisuseReport<P>{what, page, slot, holder, address, caller});
}

/// A kunmap that found no user.
template <class P>
void Mapper<P>::report_kunmap(const Slot& slot, Page page, const void* caller) {
  if (&slot == &slots_[0]) return report(Misuse::kunmap_not_mapped, kNoSlot, page, nullptr, caller);
  const SlotIndex index = index_of(slot);
  if (page == Page{}) page = slot.page.load(memory_order_relaxed);
  report(Misuse::kunmap_below_idle, index, page, platform_.address(index), caller);
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER void Mapper<P>::wrong_address(const void* address) {
  report(Misuse::kunmap_wrong_address, kNoSlot, Page{}, address, __builtin_return_address(0));
}

/// Reports a kmap before open(). Returns null, for the kmap to return.
template <class P>
[[gnu::noinline]] void* Mapper<P>::not_open(Page page, const void* caller) {
  report(Misuse::not_open, kNoSlot, page, nullptr, caller);
  return nullptr;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER bool Mapper<P>::check_held(Page page, const void* address,
                                                      uint32_t generation) {
  if (platform_.is_direct(address)) return true;
  const SlotIndex slot = slot_of_address(address);
  const SlotView view = inspect(slot);
  if (word::is_pinned(view.word) && word::generation(view.word) == generation && view.page == page)
    return true;
  report(Misuse::use_after_kunmap, slot, page, address, __builtin_return_address(0));
  return false;
}

/// A kmap where the caller may not sleep is wrong even when it happens to hit.
template <class P>
KMAPPER_REPORTS_ITS_CALLER bool Mapper<P>::check_may_sleep(Page page) {
  if (platform_.may_sleep()) return true;
  report(Misuse::kmap_may_not_sleep, find(page), page, nullptr, __builtin_return_address(0));
  return false;
}

/// Reports a flush where the caller may not wait. Such a CPU could wait for ever: another CPU may
/// spin for a lock that it holds, or it cannot answer interrupts itself.
template <class P>
bool Mapper<P>::check_may_flush(const void* caller) {
  if (platform_.may_flush()) return true;
  report(Misuse::flush_may_not_wait, kNoSlot, Page{}, nullptr, caller);
  return false;
}

/// Whether the slot has a user to subtract, and that user is the caller. Called before the word
/// changes, so that other CPUs never see the effect of a wrong kunmap.
template <class P>
KMAPPER_REPORTS_ITS_CALLER bool Mapper<P>::check_kunmap(const Slot& slot, Page page) {
  const void* const caller = __builtin_return_address(0);
  if (&slot == &slots_[0] || !word::is_pinned(slot.word.load(memory_order_relaxed))) {
    report_kunmap(slot, page, caller);
    return false;
  }
  const SlotIndex index = index_of(slot);
  if (ledger_.remove(platform_, index, platform_.stamp())) return true;
  if (page == Page{}) page = slot.page.load(memory_order_relaxed);
  report(Misuse::kunmap_not_holder, index, page, platform_.address(index), caller);
  return false;
}

/// Called before the caller sleeps for slots: a caller that holds some could wait for itself.
/// Reports what it holds.
template <class P>
bool Mapper<P>::check_holds_nothing(Misuse otherwise, const void* caller) {
  const SlotIndex held = ledger_.any_of(platform_, platform_.stamp(), slot_count_);
  if (held == kNoSlot) return true;
  report(otherwise, held, slot_of(held).page.load(memory_order_relaxed), platform_.address(held),
         caller);
  return false;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER void Mapper<P>::note_pin(void* address, const void* caller) {
  if (address == nullptr || platform_.is_direct(address)) return;
  ledger_.add(SlotIndex{static_cast<uint32_t>(slot_number(address))}, platform_.stamp(),
              caller != nullptr ? caller : __builtin_return_address(0));
}

template <class P>
[[gnu::noinline]] void Mapper<P>::note_hand_over(Page page) {
  const SlotIndex slot = find(page);
  if (slot != kNoSlot) ledger_.hand_over(platform_, slot, platform_.stamp());
}

}  // namespace kmapper
