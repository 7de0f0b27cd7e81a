// kmap when the hit failed: the page has a slot that is busy, not referenced or parked (pin), or no
// slot at all (the miss). A slot taken for a miss is invisible to other threads until this thread
// publishes it or gives it back.
#pragma once

#include "kmapper/core/impl/post.hpp"
#include "kmapper/core/impl/remember.hpp"
#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// The result of pin(): an address; or none, because the page has no slot (MapError::none), or
/// because it has one that the caller cannot have.
template <class P>
struct Mapper<P>::Pinned {
  void* address;
  MapError error;
};

/// The miss that finds a clean slot at its first look, as nearly all misses do. Where flushes are
/// posted, also the miss that takes a run (post.hpp). Any context.
template <class P>
template <typename Mapper<P>::Wait kWait>
KMAPPER_REPORTS_ITS_CALLER void* Mapper<P>::map_slow(Page page) {
  // Sleepers come first. Relaxed, here and in map_slower(): hints. publish() proves that the page
  // has no slot, and wakes sleepers that were missed here.
  const Word found = platform_.page_virtual(page).load(memory_order_relaxed);
  if (!page_virtual::has_slot(found) && waiters_.load(memory_order_relaxed) == 0) [[likely]] {
    SlotIndex slot = clean_.take_from(cpus_[platform_.cpu()].leaf.load(memory_order_relaxed));
    if constexpr (kPosts) {
      if (slot == kNoSlot) slot = Posting<P>::take(*this);
    }
    if (slot != kNoSlot) [[likely]] {
      void* const address = publish(slot, page, found);
      if (address != nullptr) [[likely]]
        return address;
      put_clean(slot);
    }
  }
  if (slot_count_ == 0) [[unlikely]]
    return not_open(page, __builtin_return_address(0));
  return map_slower(page, kWait == Wait::never ? nullptr : __builtin_return_address(0));
}

/// `caller` is for reports. Null: the call must not sleep.
template <class P>
[[gnu::noinline]] void* Mapper<P>::map_slower(Page page, const void* caller) {
  Pinned pinned{nullptr, MapError::none};
  const Word found = platform_.page_virtual(page).load(memory_order_relaxed);
  if (page_virtual::has_slot(found)) pinned = pin(page);
  if (pinned.address == nullptr && pinned.error == MapError::none &&
      waiters_.load(memory_order_relaxed) == 0) {
    const SlotIndex slot = take_clean();
    if (slot != kNoSlot) {
      if (void* const address = publish(slot, page, found)) return address;
      pinned = map_in(slot, page);
    }
  }
  // Both searches may have missed the page, and only an insertion would have looked with the lock.
  if constexpr (kFindsSlots<P>) {
    if (pinned.address == nullptr && pinned.error == MapError::none) pinned = pin(page);
  }
  if (pinned.address != nullptr || caller == nullptr) return pinned.address;
  if (pinned.error == MapError::none && platform_.may_sleep()) {
    Result<void*> result = sleep_for_slot(page, {}, caller);
    if (result) return *result;
    pinned.error = result.error();
  }
  const bool too_many = pinned.error == MapError::too_many_users;
  report(too_many ? Misuse::too_many_users : Misuse::kmap_may_not_sleep, find(page), page, nullptr,
         caller);
  return nullptr;
}

/// Adds a user to the page's slot if it has one, and (if not `surely`) if that is found at once.
/// Waits while the slot is being changed, if the caller may flush. Any context.
template <class P>
auto Mapper<P>::pin(Page page, bool surely) -> Pinned {
  auto&& cell = platform_.page_virtual(page);
  for (;;) {
    // Relaxed, all of them: as in hit(), the swap and the second read of the cell prove them.
    Word found = cell.load(memory_order_relaxed);
    if constexpr (kFindsSlots<P>) {
      if (surely && !page_virtual::has_slot(found)) found = load_surely(page, memory_order_relaxed);
    }
    if (!page_virtual::has_slot(found)) return {nullptr, MapError::none};
    const size_t offset = offset_of(page_virtual::entry(found));
    Slot& slot = slot_at(offset);
    Word seen = slot.word.load(memory_order_relaxed);
    if (page_virtual::matches(found, seen) && word::users(seen) != 0) {
      // An idle slot that was parked for sleepers belongs to the first of them: grant it now, as
      // its last kunmap is about to. Otherwise two users of one page, taking turns, would keep a
      // sleeper out for ever.
      if (word::is_idle(seen) && word::is_parked(seen) &&
          waiters_.load(memory_order_relaxed) != 0) {
        settle(page_virtual::slot(found));
        continue;
      }
      // Acquire: as in hit().
      if (!slot.word.compare_exchange_weak(seen,
                                           (seen + word::kUser<Word>) | word::kReferenced<Word>,
                                           memory_order_acquire, memory_order_relaxed)) {
        continue;
      }
      if (!is_still(cell, found, offset, page)) [[unlikely]] {
        drop_user(offset, page);
        continue;
      }
      if (word::is_idle(seen)) slot.holder.store(platform_.stamp(), memory_order_relaxed);
      platform_.count(Event::hit);
      return {address_at(offset), MapError::none};
    }
    if (page_virtual::matches(found | word::kSaturated<Word>, seen))
      return {nullptr, MapError::too_many_users};
    if (!platform_.may_flush()) return {nullptr, MapError::would_sleep};
    platform_.relax();  // claimed and not yet published, or being taken back
  }
}

template <class P>
[[gnu::noinline]] void* Mapper<P>::pin_if_mapped(Page page) {
  return pin(page).address;
}

template <class P>
[[gnu::noinline]] void* Mapper<P>::pin_if_seen(Page page) {
  return pin(page, false).address;
}

/// Takes a clean slot; scavenges when there is none. kNoSlot: every slot is pinned or taken, or the
/// caller may not wait for the flush. Any context. Examines each slot twice at most.
template <class P>
SlotIndex Mapper<P>::take_clean() {
  auto& leaf = cpus_[platform_.cpu()].leaf;
  SlotIndex slot = clean_.take(leaf);
  if constexpr (kPosts) return slot != kNoSlot ? slot : Posting<P>::take(*this);
  while (slot == kNoSlot && bring_more_into_use()) slot = clean_.take(leaf);
  if (slot != kNoSlot || !platform_.may_flush()) return slot;
  if constexpr (kRemembers<P>) return Remembering<P>::take(*this, leaf);
  // Two rounds of the hand clear every referenced bit and reach each slot again; the second takes
  // what is idle then.
  using Examined = typename library::Choose<kTablesOutside<P>, uint64_t, uint32_t>::Type;
  for (Examined examined = 0; examined <= Examined{2} * slot_count_;) {
    const uint32_t now = scavenge().examined;
    slot = clean_.take(leaf);
    if (slot != kNoSlot || now == 0) break;
    examined += now;
  }
  return slot;
}

/// Brings the next slots into use, as clean ones. Other threads may use the window already: the
/// caller holds the lock.
template <class P>
void Mapper<P>::bring_into_use(uint32_t slots) {
  const uint32_t first = kTablesOutside<P> ? slots_in_use() : 0;
  const uint32_t end = slots < slot_count_ - first ? first + slots : slot_count_;
  clean_.resize(end);
  unparked_.resize(end);
  for (uint32_t i = first; i < end; ++i) {
    // Relaxed: the insertions publish it.
    slot_of(SlotIndex{i}).word.store(word::kNotParked<Word>, memory_order_relaxed);
    unparked_.insert(SlotIndex{i});
    clean_.insert(SlotIndex{i});
  }
  if constexpr (kTablesOutside<P>) in_use_.store(end, memory_order_relaxed);
}

/// False: all are in use. Any context.
template <class P>
bool Mapper<P>::bring_more_into_use() {
  if constexpr (!kTablesOutside<P>) return false;
  if (slots_in_use() == slot_count_) return false;
  // A sleeper takes this lock after it has announced itself, and then looks at the window: either
  // it sees these slots, or it is seen here.
  queue_lock_.lock();
  // Another thread may have done so just before.
  if (!clean_.may_be_found()) bring_into_use(kBroughtIntoUse);
  const bool is_awaited = first_waiter_ != nullptr;
  queue_lock_.unlock();
  if (is_awaited) grant_clean();
  return true;
}

/// Another thread has mapped the page meanwhile. Pins that mapping and gives `slot` back; or maps
/// the page in `slot` after all, if it has been unmapped again.
template <class P>
auto Mapper<P>::map_in(SlotIndex slot, Page page) -> Pinned {
  Chain chain;
  push(chain, slot);
  Result<void*> result = map_reserved(chain, page);
  put_chain(chain);
  return {*result, result.error()};
}

/// Claims page->virtual, in which the caller `found` no slot, writes the PTE, publishes the word.
/// Null: the page has a slot already, or has lost one meanwhile; the taken slot is unchanged.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline void* Mapper<P>::publish(SlotIndex index, Page page, Word found) {
  if (page_virtual::has_slot(found)) return nullptr;
  Slot& slot = slot_of(index);
  // Relaxed, here and below: the thread that has taken the slot comes after all that had it before,
  // and the word publishes what is written.
  const Word dead = slot.word.load(memory_order_relaxed);
  {
    // From the claim on, a hit elsewhere spins until the word is published.
    const typename P::InterruptsOff bounded(platform_);
    // Stored before the search finds the slot by it.
    if constexpr (kFindsSlots<P>) slot.page.store(page, memory_order_relaxed);
    // Acquire: pairs with claim() and take_run(), which cleared it. What users did to the page in
    // its last slot comes before what they do in this one.
    if (!platform_.page_virtual(page).compare_exchange_strong(
            found, page_virtual::make(index, dead), memory_order_acq_rel, memory_order_relaxed)) {
      return nullptr;
    }
    if constexpr (!kFindsSlots<P>) slot.page.store(page, memory_order_relaxed);
    slot.holder.store(platform_.stamp(), memory_order_relaxed);
    platform_.write_pte(index, page);
    Word live = word::published(dead);
    if constexpr (kRemembers<P>) live |= Remembering<P>::recall(*this, page);
    // Release: pairs with hit() and pin(), which find the PTE and the page. Sequentially
    // consistent, as are the sleeper's announcement in enqueue() and its look at the words in
    // sweep_leaf(): either the sleeper sees this slot, or the test below sees the sleeper.
    slot.word.store(live, memory_order_seq_cst);
  }
  platform_.count(Event::miss);
  if (waiters_.load(memory_order_seq_cst) != 0) [[unlikely]]
    announce(index, page);
  void* const address = platform_.address(index);
  if (address == nullptr) __builtin_unreachable();  // spares the caller's test
  return address;
}

}  // namespace kmapper
