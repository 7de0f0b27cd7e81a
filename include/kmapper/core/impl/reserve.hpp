// Several slots for one caller. Slots are gathered all or none: a caller that cannot have them at
// once joins the queue like any sleeper, and only the first in the queue gathers. So no caller ever
// sleeps with half of what it needs while another does the same, and the holder of a reservation
// never sleeps for what it maps in it.
#pragma once

#include "kmapper/core/mapper.hpp"
#include "kmapper/core/reservation.hpp"

namespace kmapper {

template <class P>
void Mapper<P>::push(Chain& chain, SlotIndex slot) {
  slot_of(slot).next = chain.first;
  chain.first = to_number(slot) + 1;
  ++chain.count;
}

/// The chain must not be empty.
template <class P>
SlotIndex Mapper<P>::pop(Chain& chain) {
  const SlotIndex slot{chain.first - 1};
  chain.first = slots_[chain.first].next;
  --chain.count;
  return slot;
}

/// Flushes the slots of `dirty`, some at a time, and moves them to `clean`. Where flushes are
/// posted, the flush of each was posted when the slot was claimed: waits for these posts. The
/// caller may flush.
template <class P>
void Mapper<P>::clean_chain(Chain& dirty, Chain& clean) {
  while (dirty.count != 0) {
    SlotIndex touched[Batch::kMost];
    uint32_t count = 0;
    while (dirty.count != 0 && count != Batch::kMost) touched[count++] = pop(dirty);
    flush({touched, count});
    flushes_done(count);
    while (count != 0) push(clean, touched[--count]);
  }
}

template <class P>
void Mapper<P>::put_chain(Chain& chain) {
  while (chain.count != 0) put_clean(pop(chain));
}

/// Takes `slots` clean slots, all or none. Sleeps for them where it may. `caller` is for reports.
template <class P>
auto Mapper<P>::gather(uint32_t slots, Limits<P> limits, const void* caller) -> Result<Chain> {
  if (slot_count_ == 0) not_open(Page{}, caller);
  if (slots > slot_count_) return MapError::too_large;
  if constexpr (P::kChecked) {
    if (!check_holds_nothing(Misuse::reserving_with_pins, caller)) return MapError::holds_a_pin;
  }
  Chain chain;
  // Relaxed: a hint, as in map_slow().
  while (chain.count < slots && waiters_.load(memory_order_relaxed) == 0) {
    const SlotIndex slot = take_clean();
    if (slot == kNoSlot) break;
    push(chain, slot);
  }
  if (chain.count == slots) return chain;
  put_chain(chain);  // a sleeper must hold nothing
  if (!platform_.may_sleep()) return MapError::would_sleep;

  Waiter self(platform_, Page{}, slots, limits, caller);
  enqueue(self);
  const MapError error = wait_in_queue(self).error;
  leave_queue(self);
  clean_chain(self.dirty, self.clean);
  if (error == MapError::none) return self.clean;
  put_chain(self.clean);
  return error;
}

/// Maps the page in a slot of the chain, unless it is mapped already. Never sleeps.
template <class P>
Result<void*> Mapper<P>::map_reserved(Chain& chain, Page page) {
  if (!platform_.is_high(page)) return platform_.direct_address(page);
  for (;;) {
    const Pinned pinned = pin(page);
    if (pinned.address != nullptr) return pinned.address;
    if (pinned.error != MapError::none) return pinned.error;
    if (chain.count == 0) return MapError::spent;
    const SlotIndex slot = pop(chain);
    // Relaxed: the swap in publish() proves it.
    const Word found = platform_.page_virtual(page).load(memory_order_relaxed);
    if (void* const address = publish(slot, page, found)) return address;
    push(chain, slot);
  }
}

/// kmap_all() after the first `mapped` pages have been mapped.
template <class P>
KMAPPER_REPORTS_ITS_CALLER MapError Mapper<P>::map_rest(Span<PageAddress<P>> pages, size_t mapped,
                                                        Limits<P> limits) {
  const void* const caller = __builtin_return_address(0);
  if (slot_count_ == 0) {
    not_open(pages[mapped].page, caller);
    kunmap_all(pages.first(mapped));  // low pages
    return MapError::too_large;
  }
  for (; mapped < pages.size(); ++mapped) {
    void* const address = map_at_once(pages[mapped].page);
    pages[mapped].address = noted(address, caller);
    if (address == nullptr) break;
  }
  if (mapped == pages.size()) return MapError::none;
  kunmap_all(pages.first(mapped));  // a sleeper must hold nothing
  if (pages.size() > slot_count_) return MapError::too_large;
  Result<Chain> chain = gather(static_cast<uint32_t>(pages.size()), limits, caller);
  if (!chain) return chain.error();
  MapError error = MapError::none;
  for (mapped = 0; mapped < pages.size(); ++mapped) {
    Result<void*> result = map_reserved(*chain, pages[mapped].page);
    error = result.error();
    if (!result) break;
    pages[mapped].address = noted(*result, caller);
  }
  put_chain(*chain);
  if (error != MapError::none) kunmap_all(pages.first(mapped));
  return error;
}

}  // namespace kmapper
