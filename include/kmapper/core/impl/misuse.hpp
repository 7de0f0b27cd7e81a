// What a caller did wrong, found and undone. The release build finds what the word itself tells;
// the checked build keeps a ledger of who holds what, and looks before it acts. All loads here are
// relaxed: a caller that is right finds what its own pin keeps as it is, and a report may be late.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

template <class P>
void Mapper<P>::report(Misuse what, SlotIndex slot, Page page, const void* address,
                       const void* caller) {
  Stamp holder{};
  if (slot != kNoSlot) holder = slot_of(slot).holder.load(std::memory_order_relaxed);
  platform_.report(MisuseReport<P>{what, page, slot, holder, address, caller});
}

/// A kunmap that found no user.
template <class P>
void Mapper<P>::report_kunmap(const Slot& slot, Page page, const void* caller) {
  if (&slot == &slots_[0]) return report(Misuse::kunmap_not_mapped, kNoSlot, page, nullptr, caller);
  const SlotIndex index = index_of(slot);
  if (page == Page{}) page = slot.page.load(std::memory_order_relaxed);
  report(Misuse::kunmap_below_idle, index, page, platform_.address(index), caller);
}

template <class P>
[[gnu::noinline]] void Mapper<P>::wrong_address(const void* address) {
  report(Misuse::kunmap_wrong_address, kNoSlot, Page{}, address, __builtin_return_address(0));
}

/// A kmap before open(). Null, for the kmap to return.
template <class P>
[[gnu::noinline]] void* Mapper<P>::not_open(Page page, const void* caller) {
  report(Misuse::not_open, kNoSlot, page, nullptr, caller);
  return nullptr;
}

template <class P>
[[gnu::noinline]] bool Mapper<P>::check_held(Page page, const void* address,
                                             std::uint32_t generation) {
  if (platform_.is_direct(address)) return true;
  const SlotIndex slot = slot_of_address(address);
  const SlotView view = inspect(slot);
  if (word::is_pinned(view.word) && word::generation(view.word) == generation && view.page == page)
    return true;
  report(Misuse::use_after_kunmap, slot, page, address, __builtin_return_address(0));
  return false;
}

/// A kmap that might sleep where it may not is wrong even when it happens to hit.
template <class P>
[[gnu::noinline]] bool Mapper<P>::check_may_sleep(Page page) {
  if (platform_.may_sleep()) return true;
  report(Misuse::kmap_may_not_sleep, find(page), page, nullptr, __builtin_return_address(0));
  return false;
}

/// A CPU that waits for others while it holds what one of them spins for, or cannot answer itself,
/// waits for ever.
template <class P>
bool Mapper<P>::check_may_flush(const void* caller) {
  if (platform_.may_flush()) return true;
  report(Misuse::flush_may_not_wait, kNoSlot, Page{}, nullptr, caller);
  return false;
}

/// Whether there is a user to subtract, and it is the caller's. Asks before the word is changed, so
/// that a wrong kunmap is never seen by others, not even for a moment.
template <class P>
[[gnu::noinline]] bool Mapper<P>::check_kunmap(const Slot& slot, Page page) {
  const void* const caller = __builtin_return_address(0);
  if (&slot == &slots_[0] || !word::is_pinned(slot.word.load(std::memory_order_relaxed))) {
    report_kunmap(slot, page, caller);
    return false;
  }
  const SlotIndex index = index_of(slot);
  if (ledger_.remove(platform_, index, platform_.stamp())) return true;
  if (page == Page{}) page = slot.page.load(std::memory_order_relaxed);
  report(Misuse::kunmap_not_holder, index, page, platform_.address(index), caller);
  return false;
}

/// Before the caller sleeps for slots: holding some, it could wait for itself. Reports what it
/// holds.
template <class P>
bool Mapper<P>::check_holds_nothing(Misuse otherwise, const void* caller) {
  const SlotIndex held = ledger_.any_of(platform_, platform_.stamp(), slot_count_);
  if (held == kNoSlot) return true;
  report(otherwise, held, slot_of(held).page.load(std::memory_order_relaxed),
         platform_.address(held), caller);
  return false;
}

template <class P>
[[gnu::noinline]] void Mapper<P>::note_pin(void* address, const void* caller) {
  if (address == nullptr || platform_.is_direct(address)) return;
  ledger_.add(SlotIndex{static_cast<std::uint32_t>(slot_number(address))}, platform_.stamp(),
              caller != nullptr ? caller : __builtin_return_address(0));
}

template <class P>
[[gnu::noinline]] void Mapper<P>::note_hand_over(Page page) {
  const SlotIndex slot = find(page);
  if (slot != kNoSlot) ledger_.hand_over(platform_, slot, platform_.stamp());
}

}  // namespace kmapper
