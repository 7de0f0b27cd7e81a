// When every slot is pinned: first come, first served.
//
// A sleeper joins the queue, then looks again. A thread that makes a slot clean or publishes one
// looks at the queue after that. Both sides are sequentially consistent, so one of them sees the
// other. The sleeper's look parks all pinned slots, so that each last kunmap reaches slow_exit(),
// which grants the slot to the first in the queue. A grant is the slot itself, already taken for
// the sleeper. The sleeper makes the flush that the slot needs.
//
// Where flushes are posted, slots also wait on the CPUs' lists. The sleeper's look waits for all
// posts and makes these slots clean, and so does a miss that meets sleepers after it has put a run
// on a list (post.hpp). A granted slot has the number of its post, for which the sleeper waits.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// One sleeping call, on its own stack. queue_lock_ guards what is not constant, except the chains
/// of a waiter that has left the queue.
template <class P>
struct Mapper<P>::Waiter {
  Waiter(P& platform, Page wanted, uint32_t slots, Limits<P> until, const void* return_to)
      : sleeper(platform),
        page(wanted),
        limits(until),
        since(platform.stamp()),
        caller(return_to),
        needed(slots) {}

  typename P::Sleeper sleeper;
  const Page page;  // Page{}: any
  const Limits<P> limits;
  const Stamp since;           // the sleeper, and the time when its sleep began
  const void* const caller;    // of the kmap
  uint32_t needed;             // slots still to be granted; only the first in the queue gets any
  bool look_for_page = false;  // another thread may have mapped the page
  Chain clean{};               // the grants
  Chain dirty{};               // the grants that TLBs may still hold
  Waiter* next = nullptr;
};

/// kmap when no slot could be had: sleeps for a slot, or until another thread maps the page.
template <class P>
[[gnu::noinline]] Result<void*> Mapper<P>::sleep_for_slot(Page page, Limits<P> limits,
                                                          const void* caller) {
  if constexpr (P::kChecked) check_holds_nothing(Misuse::sleeping_with_pins, caller);
  Waiter self(platform_, page, 1, limits, caller);
  self.look_for_page = true;  // another thread may have mapped it since the last look
  enqueue(self);
  Pinned pinned{nullptr, MapError::none};
  Woken woken = wait_in_queue(self);
  while (woken.to_look) {
    pinned = pin(page);
    if (pinned.address != nullptr || pinned.error != MapError::none) break;
    woken = wait_in_queue(self);
  }
  MapError error = woken.error;
  leave_queue(self);
  clean_chain(self.dirty, self.clean);
  if (pinned.error != MapError::none) error = pinned.error;
  Result<void*> result = pinned.address;
  if (error != MapError::none)
    result = error;
  else if (pinned.address == nullptr)
    result = map_reserved(self.clean, page);
  put_chain(self.clean);
  return result;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER Result<void*> Mapper<P>::map_within(Page page, Limits<P> limits) {
  const void* const caller = __builtin_return_address(0);
  if (slot_count_ == 0) {
    not_open(page, caller);
    return MapError::too_large;
  }
  if (void* const address = map_slow<Wait::never>(page)) return address;
  if (platform_.may_sleep()) return sleep_for_slot(page, limits, caller);
  report(Misuse::kmap_may_not_sleep, find(page), page, nullptr, caller);
  return MapError::would_sleep;
}

/// Announces a sleeper, then looks again for all that it could otherwise wait for in vain. The
/// caller may sleep. Looks at every slot; waits for other CPUs once for each batch that it takes.
template <class P>
void Mapper<P>::enqueue(Waiter& self) {
  queue_lock_.lock();
  (last_waiter_ != nullptr ? last_waiter_->next : first_waiter_) = &self;
  last_waiter_ = &self;
  // Sequentially consistent, as are the looks that follow: pairs with publish(), put_clean(),
  // finish() and park(), which change the window and then look here.
  waiters_.fetch_add(1, memory_order_seq_cst);
  queue_lock_.unlock();
  grant_clean();
  take_all_idle();
}

/// Why a waiter no longer sleeps: it reached its limits (`error`), or another thread may have
/// mapped its page (`to_look`), or (neither) it has all the slots that it needs.
template <class P>
struct Mapper<P>::Woken {
  MapError error;
  bool to_look;
};

/// Sleeps until one of the reasons in Woken applies.
template <class P>
auto Mapper<P>::wait_in_queue(Waiter& self) -> Woken {
  const Limits<P>& limits = self.limits;
  const uint64_t since = platform_.now();
  uint64_t now = since;
  MapError error = MapError::none;
  bool slept = false;
  queue_lock_.lock();
  for (;;) {
    if (limits.cancellation != nullptr && limits.cancellation->is_requested()) {
      error = MapError::cancelled;
      break;
    }
    if (self.needed == 0 || self.look_for_page) break;
    if (now >= limits.deadline_ns) {
      error = MapError::timed_out;
      break;
    }
    slept = true;
    platform_.sleep(queue_lock_, self.sleeper, limits.deadline_ns);
    now = platform_.now();
  }
  if (now - since > longest_sleep_ns_) longest_sleep_ns_ = now - since;
  const bool to_look = error == MapError::none && self.look_for_page;
  self.look_for_page = false;
  queue_lock_.unlock();
  if (slept) platform_.count(Event::sleep);
  return {error, to_look};
}

/// Takes a waiter out of the queue, if it is still there.
template <class P>
void Mapper<P>::leave_queue(Waiter& self) {
  queue_lock_.lock();
  if (self.needed != 0) {
    Waiter* before = nullptr;
    for (Waiter* it = first_waiter_; it != &self; it = it->next) before = it;
    (before != nullptr ? before->next : first_waiter_) = self.next;
    if (last_waiter_ == &self) last_waiter_ = before;
    // Needs no order, here and in grant(): a thread that reads the old count takes the slow path in
    // vain.
    waiters_.fetch_sub(1, memory_order_seq_cst);
  }
  queue_lock_.unlock();
}

/// Gives the slot to the first sleeper. The lock is held and the queue is not empty.
template <class P>
void Mapper<P>::grant(SlotIndex slot, bool clean) {
  Waiter& waiter = *first_waiter_;
  push(clean ? waiter.clean : waiter.dirty, slot);
  if (--waiter.needed != 0) return;
  first_waiter_ = waiter.next;
  if (first_waiter_ == nullptr) last_waiter_ = nullptr;
  waiters_.fetch_sub(1, memory_order_seq_cst);
  platform_.wake(waiter.sleeper);
}

template <class P>
void Mapper<P>::cancel(Cancellation<P>& cancellation) {
  queue_lock_.lock();
  // Relaxed: sleepers read it with the lock held.
  cancellation.requested_.store(1, memory_order_relaxed);
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->limits.cancellation == &cancellation) platform_.wake(waiter->sleeper);
  }
  queue_lock_.unlock();
}

/// Grants clean slots as long as there are both slots and sleepers.
template <class P>
[[gnu::noinline]] void Mapper<P>::grant_clean() {
  queue_lock_.lock();
  while (first_waiter_ != nullptr) {
    const SlotIndex slot = clean_.take_surely(cpus_[platform_.cpu()].leaf);
    if constexpr (kTablesOutside<P>) {
      if (slot == kNoSlot && slots_in_use() != slot_count_) {
        bring_into_use(kBroughtIntoUse);
        continue;
      }
    }
    if (slot == kNoSlot) break;
    grant(slot, true);
  }
  queue_lock_.unlock();
}

/// A slot was published while other threads sleep. The slot is parked, so that its last kunmap
/// reaches them. Those that want this page are woken, because they need no slot any more.
template <class P>
[[gnu::noinline]] void Mapper<P>::announce(SlotIndex slot, Page page) {
  park(slot);
  queue_lock_.lock();
  for (Waiter* waiter = first_waiter_; waiter != nullptr; waiter = waiter->next) {
    if (waiter->page != page) continue;
    waiter->look_for_page = true;
    platform_.wake(waiter->sleeper);
  }
  queue_lock_.unlock();
}

/// The last user of a parked slot has gone (in the strict build, of any slot); or a kunmap was
/// wrong.
template <class P>
KMAPPER_REPORTS_ITS_CALLER void Mapper<P>::slow_exit(size_t offset, Word before, Page page) {
  Slot& slot = slot_at(offset);
  const void* const caller = __builtin_return_address(0);
  // Relaxed, both repairs: a wrong kunmap has nothing to publish.
  if (&slot == &slots_[0]) {
    slot.word.store(word::kSentinel<Word>, memory_order_relaxed);
    return report_kunmap(slot, page, caller);
  }
  if (word::users(before) <= 1) {
    slot.word.fetch_add(word::kUser<Word>, memory_order_relaxed);
    return report_kunmap(slot, page, caller);
  }
  settle(index_of(slot));
  if constexpr (P::kStrict) {
    const Word seen = slot.word.load(memory_order_relaxed);
    if (word::is_idle(seen) && platform_.may_flush()) unmap_idle(index_of(slot), seen, true);
  }
}

/// Decides what becomes of a slot that may be idle now: it goes to the first sleeper, or back on
/// the hand's path. If two threads come here for one slot, the second finds nothing left to do. Any
/// context. Flushes nothing: a slot that was touched is granted dirty.
template <class P>
void Mapper<P>::settle(SlotIndex index) {
  Slot& slot = slot_of(index);
  queue_lock_.lock();
  // Relaxed: as new as the value that brought the caller here, and proved by the swaps below.
  Word seen = slot.word.load(memory_order_relaxed);
  while (word::is_idle(seen)) {
    if (first_waiter_ != nullptr) {
      add_flush_due();
      const Claim claimed = claim(index, seen, word::dead_after(seen));
      if (claimed != Claim::touched) flushes_done(1);  // needs no order: nothing was flushed
      if (kFindsSlots<P> && claimed != Claim::lost) {
        // Its page waits for the flush, so that cannot be left to the sleeper.
        queue_lock_.unlock();
        flush({&index, claimed == Claim::touched ? 1U : 0U});
        forget(index);
        unparked_.insert(index);
        return put_clean(index);
      }
      if (claimed != Claim::lost) {
        unparked_.insert(index);
        grant(index, claimed == Claim::untouched);
        break;
      }
      seen = slot.word.load(memory_order_relaxed);
    } else if (!word::is_parked(seen)) {
      break;
    } else if (slot.word.compare_exchange_weak(seen, seen | word::kNotParked<Word>,
                                               memory_order_relaxed, memory_order_relaxed)) {
      unparked_.insert(index);
      break;
    }
  }
  queue_lock_.unlock();
}

}  // namespace kmapper
