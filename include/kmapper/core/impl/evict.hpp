// Taking one page's slot back because the page goes to its allocator, and making the flushes that
// are due before that.
//
// flushes_due_ is raised before a slot is taken and lowered after its flush. A caller that reads 0
// comes after all flushes of the pages that it finds without a slot. Many allocators free under a
// spinlock, where no CPU may wait for others. There evict() still takes the slot, and owes the
// flush: the first sleeper gets the slot and flushes it, or the slot waits in owed_ for a caller
// that may flush.
//
// Where flushes are posted, flushes_due_ and owed_ stay empty. The cell of a page that has lost its
// slot has the number of a post. It was written after that post, and the page's earlier posts are
// older. So evict() waits until that post has passed, and for no other. The slot of a caller that
// may not flush waits on the list of its CPU, like the slots that misses take (post.hpp).
//
// Where the platform finds slots (kFindsSlots), a page has no slot only after its flush. So evict()
// waits until a slot that is being taken back is flushed, and for nothing else.
#pragma once

#include "kmapper/core/impl/post.hpp"
#include "kmapper/core/mapper.hpp"

namespace kmapper {

template <class P>
Evicted Mapper<P>::evict(Page page) {
  const bool may_flush = platform_.may_flush();
  for (;; platform_.relax()) {
    // Acquire: pairs with claim(), so that gone() sees the flush that is due.
    const Word found = load_surely(page, memory_order_acquire);
    if (!page_virtual::has_slot(found)) return gone(Evicted::not_mapped, page, may_flush);
    // Acquire: pairs with publish(). If the generation came round and the word is another page's,
    // the second read of the cell finds that it has changed.
    const Word seen = slots_[page_virtual::entry(found)].word.load(memory_order_acquire);
    if (!page_virtual::matches(found, seen & ~word::kSaturated<Word>))
      continue;  // being taken back
    if (word::users(seen) > 1) {
      // Read again: between the two loads the slot may have got another page.
      if (load_surely(page, memory_order_acquire) == found) return Evicted::pinned;
      continue;
    }
    if (word::is_idle(seen) && unmap_idle(page_virtual::slot(found), seen, may_flush))
      return gone(Evicted::taken_back, page, may_flush);
  }
}

/// The answer of evict() for a page that has no slot, or has lost it just now. A flush may be due
/// for an earlier slot of the page, too: waits for it where the caller may flush. No thread maps
/// the page meanwhile.
template <class P>
Evicted Mapper<P>::gone(Evicted how, Page page, bool may_flush) {
  if constexpr (kFindsSlots<P>) return how;
  if constexpr (kPosts) {
    // Acquire: as in evict().
    const Word found = platform_.page_virtual(page).load(memory_order_acquire);
    if (found == page_virtual::kNone) return how;  // it has never had a slot
    auto& flushes = platform_.posted_flushes();
    const uint32_t number = flushes.lengthen(page_virtual::lost_number(found));
    if (may_flush) {
      wait_for_post(platform_, number);
      return how;
    }
    return flushes.has_passed(number) ? how : Evicted::flush_owed;
  }
  if (may_flush) {
    wait_for_flushes();
    return how;
  }
  // Acquire: as in wait_for_flushes().
  return flushes_due_.load(memory_order_acquire) == 0 ? how : Evicted::flush_owed;
}

/// Takes one idle slot back, and makes it clean or owes its flush. False: its word has changed. Any
/// context, if `may_flush` is true only where the caller may flush. Holds no lock.
template <class P>
bool Mapper<P>::unmap_idle(SlotIndex index, Word idle, bool may_flush) {
  Claim claimed = Claim::lost;
  add_flush_due();
  {
    const typename P::InterruptsOff bounded(platform_);
    claimed = claim(index, idle, word::dead_after(idle));
  }
  if (claimed == Claim::touched && !may_flush) {
    owe_flush(index);
    return true;
  }
  if (claimed != Claim::lost) flush({&index, claimed == Claim::touched ? 1U : 0U});
  flushes_done(1);
  if (claimed == Claim::lost) return false;
  forget(index);
  unparked_.insert(index);  // the kunmap that parked it finds nothing left to do
  put_clean(index);
  return true;
}

/// Stores a slot that was taken back where the caller may not flush. The first sleeper gets it and
/// flushes it, or it waits for a caller that may flush. Until then flushes_due_ counts it. Where
/// flushes are posted, it waits for its post, on the list of this CPU, as a run of one slot. Any
/// context.
template <class P>
void Mapper<P>::owe_flush(SlotIndex index) {
  unparked_.insert(index);
  queue_lock_.lock();
  if (first_waiter_ != nullptr) {
    grant(index, false);
  } else if constexpr (kPosts) {
    Posting<P>::push_run(*this, platform_.cpu(), {Set::leaf_of(index), Set::bit_of(index)},
                         slot_of(index).of.number);
  } else {
    push(owed_, index);
    owed_flushes_.store(owed_.count, memory_order_relaxed);
  }
  queue_lock_.unlock();
}

/// Flushes up to `most` of the slots that are owed a flush, and makes them clean. Returns how many.
/// A sleeper that calls it has joined the queue before, under the same lock, so slots that are owed
/// a flush later are granted to it. Where flushes are posted, waits for all posts and makes all
/// slots clean that waited; returns 0 if there was none, and otherwise `most`. The caller may
/// flush.
template <class P>
[[gnu::noinline]] uint32_t Mapper<P>::make_owed_flushes(uint32_t most) {
  if constexpr (kPosts) return Posting<P>::make_waiting_clean(*this) ? most : 0;
  Chain dirty;
  queue_lock_.lock();
  if (owed_.count <= most) {
    dirty = owed_;
    owed_ = {};
  }
  while (owed_.count != 0 && dirty.count != most) push(dirty, pop(owed_));
  owed_flushes_.store(owed_.count, memory_order_relaxed);
  queue_lock_.unlock();
  const uint32_t made = dirty.count;
  Chain clean;
  clean_chain(dirty, clean);
  put_chain(clean);
  return made;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER void Mapper<P>::finish_flushes() {
  if constexpr (kPosts) {
    const uint32_t number = platform_.posted_flushes().latest();
    if (platform_.posted_flushes().has_passed(number)) return;
    if (check_may_flush(__builtin_return_address(0))) wait_for_post(platform_, number);
    return;
  }
  if constexpr (kFindsSlots<P>) return;
  // Acquire: as in wait_for_flushes().
  if (flushes_due_.load(memory_order_acquire) == 0) return;
  if (check_may_flush(__builtin_return_address(0))) wait_for_flushes();
}

/// Drops the translations of all slots that have lost their page and wait for their flush. Such a
/// slot is dead and not clean, and its PTE is empty already, so one more flush here is enough. The
/// caller may flush. Costs one load where no flush is due, and otherwise looks at all slots. Only
/// where kCountsFlushes.
template <class P>
void Mapper<P>::wait_for_flushes() {
  // Acquire: pairs with the subtractions after flushes. The load sees at least the addition for the
  // caller's page: it came before the claim() that hid the page, and the caller has acquired from
  // that claim().
  if (flushes_due_.load(memory_order_acquire) == 0) return;
  // After these flushes, perhaps nothing is due any more. Slots that become owed meanwhile are
  // flushed below.
  if (make_owed_flushes(slot_count_) != 0 && flushes_due_.load(memory_order_acquire) == 0) return;
  SlotIndex due[Batch::kMost];
  uint32_t count = 0;
  for (uint32_t i = 0; i < slot_count_; ++i) {
    const SlotIndex slot{i};
    // Acquire, both: pairs with publish() and with insert(), which come after the flush.
    if (word::is_live(slot_of(slot).word.load(memory_order_acquire)) || clean_.contains(slot))
      continue;
    due[count++] = slot;
    if (count != Batch::kMost) continue;
    flush({due, count});
    count = 0;
  }
  if (count != 0) flush({due, count});
}

}  // namespace kmapper
