// Taking one page's slot back, because the page goes to its allocator; and the flushes that are due
// before it may.
//
// flushes_due_ is raised before a slot is taken and lowered after its flush: a caller that reads 0
// comes after all flushes of the pages that it finds without a slot. Many allocators free under a
// spinlock, where nobody may wait for other CPUs. There evict() takes the slot all the same, and
// owes its flush: a sleeper gets the slot and flushes it, or it waits in owed_ for a caller that
// may flush.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

template <class P>
Evicted Mapper<P>::evict(Page page) {
  const bool may_flush = platform_.may_flush();
  auto& cell = platform_.page_virtual(page);
  for (;; platform_.relax()) {
    // Acquire: pairs with claim(), so that gone() sees the flush that is due.
    const std::uint32_t found = cell.load(std::memory_order_acquire);
    if (found == page_virtual::kNone) return gone(Evicted::not_mapped, may_flush);
    // Acquire: pairs with publish(): if the generation came round, and the word is another page's,
    // the second look at the cell finds ours gone.
    const std::uint32_t seen =
        slots_[page_virtual::entry(found)].word.load(std::memory_order_acquire);
    if (!page_virtual::matches(found, seen & ~word::kSaturated)) continue;  // being taken back
    if (word::users(seen) > 1) {
      // Read again: between the two loads the slot may have got another page.
      if (cell.load(std::memory_order_acquire) == found) return Evicted::pinned;
      continue;
    }
    if (word::is_idle(seen) && unmap_idle(page_virtual::slot(found), seen, may_flush))
      return gone(Evicted::taken_back, may_flush);
  }
}

/// What evict() answers of a page that has no slot, or has lost it: it may have had another before.
template <class P>
Evicted Mapper<P>::gone(Evicted how, bool may_flush) {
  if (may_flush) {
    wait_for_flushes();
    return how;
  }
  // Acquire: as in wait_for_flushes().
  return flushes_due_.load(std::memory_order_acquire) == 0 ? how : Evicted::flush_owed;
}

/// Takes one idle slot back, clean, or with a flush that is owed. False: its word has changed.
template <class P>
bool Mapper<P>::unmap_idle(SlotIndex index, std::uint32_t idle, bool may_flush) {
  Claim claimed = Claim::lost;
  flushes_due_.fetch_add(1, std::memory_order_relaxed);
  {
    const typename P::InterruptsOff bounded(platform_);
    claimed = claim(index, idle, word::dead_after(idle));
  }
  if (claimed == Claim::touched && !may_flush) {
    owe_flush(index);
    return true;
  }
  if (claimed != Claim::lost) flush({&index, claimed == Claim::touched ? 1U : 0U});
  // Release: pairs with wait_for_flushes().
  flushes_due_.fetch_sub(1, std::memory_order_release);
  if (claimed == Claim::lost) return false;
  unparked_.insert(index);  // the kunmap that parked it finds nothing left to do
  put_clean(index);
  return true;
}

/// A slot has been taken back where nobody may flush: the first sleeper gets it and flushes
/// it, or it waits for a caller that may. Until then flushes_due_ counts it.
template <class P>
void Mapper<P>::owe_flush(SlotIndex index) {
  unparked_.insert(index);
  queue_lock_.lock();
  if (first_waiter_ != nullptr) {
    grant(index, false);
  } else {
    push(owed_, index);
    owed_flushes_.store(owed_.count, std::memory_order_relaxed);
  }
  queue_lock_.unlock();
}

/// Flushes up to `most` of the slots that are owed it, and makes them clean. Returns how many.
/// A sleeper that calls it has joined the queue before, under the same lock: what is owed after
/// that is granted.
template <class P>
[[gnu::noinline]] std::uint32_t Mapper<P>::make_owed_flushes(std::uint32_t most) {
  Chain dirty;
  queue_lock_.lock();
  if (owed_.count <= most) {
    dirty = owed_;
    owed_ = {};
  }
  while (owed_.count != 0 && dirty.count != most) push(dirty, pop(owed_));
  owed_flushes_.store(owed_.count, std::memory_order_relaxed);
  queue_lock_.unlock();
  const std::uint32_t made = dirty.count;
  Chain clean;
  clean_chain(dirty, clean);
  put_chain(clean);
  return made;
}

template <class P>
[[gnu::noinline]] void Mapper<P>::finish_flushes() {
  // Acquire: as in wait_for_flushes().
  if (flushes_due_.load(std::memory_order_acquire) == 0) return;
  if (check_may_flush(__builtin_return_address(0))) wait_for_flushes();
}

/// A slot that has lost its page but waits for its flush is dead and not clean. Its PTE is empty
/// already, so dropping its translation here, once more, is all that there is to do. The caller may
/// flush.
template <class P>
void Mapper<P>::wait_for_flushes() {
  // Acquire: pairs with the subtractions after flushes. Sees the addition at least: it came before
  // the claim() that hid the page, and the caller has acquired from that.
  if (flushes_due_.load(std::memory_order_acquire) == 0) return;
  // With these made, nothing may be due any more. What is being owed just now is flushed below.
  if (make_owed_flushes(slot_count_) != 0 && flushes_due_.load(std::memory_order_acquire) == 0)
    return;
  SlotIndex due[Batch::kMost];
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < slot_count_; ++i) {
    const SlotIndex slot{i};
    // Acquire, both: pairs with publish() and with insert(), which come after the flush.
    if (word::is_live(slot_of(slot).word.load(std::memory_order_acquire)) || clean_.contains(slot))
      continue;
    due[count++] = slot;
    if (count != Batch::kMost) continue;
    flush({due, count});
    count = 0;
  }
  if (count != 0) flush({due, count});
}

}  // namespace kmapper
