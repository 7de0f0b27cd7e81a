// Taking idle slots back. The hand goes round the slots that are not parked. A referenced slot gets
// a second chance. A pinned slot is parked until its last kunmap makes it idle. An idle slot is
// claimed: its PTE is taken and page->virtual is cleared. One flush for the whole batch follows,
// and only then are the slots clean.
//
// Several scavengers may run at once: each claim is a compare-and-swap. A batch is bounded in the
// slots it takes and in the words it examines, because a kmap pays for it.
//
// Where flushes are posted, a kmap takes no batch: see post.hpp. Batches then serve the callers
// that cannot leave slots waiting: sleepers, flush_all_zero_pkmaps() and scavenge_ahead(). claim()
// posts the flush of each slot, and the batch ends with a wait for these posts.
#pragma once

#include "kmapper/core/impl/post.hpp"
#include "kmapper/core/impl/remember.hpp"
#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// Slots taken and not yet clean. The hand goes on by leaves of the set until it has kEnough.
template <class P>
struct Mapper<P>::Batch {
  static constexpr uint32_t kEnough = 16;
  static constexpr uint32_t kMost = kEnough - 1 + Set::kLeafSlots;
  static constexpr uint32_t kMostExamined = 64;
  static_assert(kMost <= kLargestBatch);

  uint32_t taken = 0;
  uint32_t examined = 0;
  uint32_t runs = 0;
  uint32_t touched = 0;  // PTEs whose Accessed bit was set
  Run run[kMost];
  SlotIndex to_flush[kMost];
  // In a window that is so small that fewer slots are enough, the hand stops within a leaf: `left`
  // are the slots that are still before it.
  struct Small {
    uint32_t enough = kEnough;
    typename Set::Bits left = 0;
  };
  [[no_unique_address]] IfRemembers<P, Small> small{};

  void end_leaf(uint32_t leaf, typename Set::Bits slots, uint32_t count) {
    if (count == 0) return;
    run[runs++] = {leaf, slots};
    taken += count;
  }
};

/// Takes one batch, and makes it clean. If slots are owed a flush, makes these clean instead. The
/// caller may flush.
template <class P>
auto Mapper<P>::scavenge() -> Scavenged {
  // Relaxed: a hint. A flush that is missed here is made by the next scavenge, or by a sleeper,
  // which reads with the lock held.
  if (owed_flushes_.load(memory_order_relaxed) != 0) [[unlikely]] {
    const uint32_t made = make_owed_flushes(Batch::kMost);
    if (made != 0) return {made, made};
  }
  Batch batch;
  add_flush_due();
  {
    // A hit that meets a slot between its claim and the clearing of page->virtual spins.
    const typename P::InterruptsOff bounded(platform_);
    if constexpr (kRemembers<P>) {
      Remembering<P>::examine(*this, batch);
    } else {
      uint32_t steps = unparked_.leaves();  // once round
      do {
        const Run path = next_of_hand();
        if (path.slots == 0) break;
        examine_leaf(path.leaf, path.slots, batch);
      } while (batch.taken < Batch::kEnough && batch.examined < Batch::kMostExamined &&
               --steps != 0);
    }
  }
  finish(batch);
  return {batch.examined, batch.taken};
}

/// The hand goes on to the next leaf with slots on its path. No slots: all are parked.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline auto Mapper<P>::next_of_hand() -> Run {
  // Relaxed: where to look first.
  Run path{hand_.load(memory_order_relaxed), 0};
  path.slots = unparked_.leaf(path.leaf);
  if (path.slots == 0) [[unlikely]] {
    path.leaf = unparked_.next_leaf(path.leaf);
    if (path.leaf == Set::kNoLeaf) return path;
    path.slots = unparked_.leaf(path.leaf);
  }
  // Stored before the work, so that another CPU's scavenger takes another leaf.
  const uint32_t next = path.leaf + 1;
  hand_.store(next >= unparked_.leaves() ? 0 : next, memory_order_relaxed);
  return path;
}

/// The hand passes these slots of a leaf: takes the idle ones that are not referenced. Interrupts
/// are off.
template <class P>
void Mapper<P>::examine_leaf(uint32_t leaf, typename Set::Bits slots, Batch& batch) {
  // A miss pays for one pass of this loop.
  typename Set::Bits taken = slots;
  uint32_t passed_over = 0;
  uint32_t untouched = 0;
  [[maybe_unused]] typename Set::Bits used_again = 0;
  typename Set::Bits spared = 0;
  if constexpr (kRemembers<P>) spared = Remembering<P>::spare(*this, leaf, slots);
  SlotIndex* const first = batch.to_flush + batch.touched;
  SlotIndex* to_flush = first;
  for (; slots != 0; slots &= slots - 1) {
    const SlotIndex index = Set::first_of(leaf, slots);
    // Relaxed, here and in pass_over() and park(): the swap that follows proves it.
    const Word seen = slot_of(index).word.load(memory_order_relaxed);
    Claim claimed = Claim::lost;
    if ((seen & word::kState<Word>) == word::kTakeable<Word> && (slots & -slots & spared) == 0)
        [[likely]]
      claimed = claim(index, seen, word::dead_after_takeable(seen));
    if constexpr (kRemembers<P>) {
      if (claimed != Claim::lost) {
        Remembering<P>::remember(*this, index);
      } else if (word::is_idle(seen) && (seen & word::kReferenced<Word>) != 0) {
        used_again |= slots & -slots;
      }
    }
    if (claimed == Claim::touched) [[likely]] {
      *to_flush++ = index;
    } else if (claimed == Claim::lost) {
      pass_over(index, seen);
      taken ^= slots & -slots;
      ++passed_over;
    } else {
      ++untouched;
    }
    if constexpr (kRemembers<P>) {
      const auto count = static_cast<uint32_t>(to_flush - first) + untouched;
      const uint32_t enough = batch.small.enough;
      if (enough == Batch::kEnough || batch.taken + count < enough) continue;
      batch.small.left = slots & (slots - 1);
      taken &= ~batch.small.left;
      break;
    }
  }
  const auto touched = static_cast<uint32_t>(to_flush - first);
  batch.touched += touched;
  batch.examined += touched + untouched + passed_over;
  batch.end_leaf(leaf, taken, touched + untouched);
  if constexpr (kRemembers<P>) Remembering<P>::end_leaf(*this, leaf, taken, used_again);
}

/// What the hand does with a slot that it does not take: gives it a second chance, or parks it.
template <class P>
[[gnu::noinline]] void Mapper<P>::pass_over(SlotIndex index, Word seen) {
  if (word::is_pinned(seen)) {
    park(index);
    return;
  }
  if (!word::is_live(seen) || (seen & word::kReferenced<Word>) == 0) return;
  // Relaxed: it publishes nothing; it only says that the hand was here.
  slot_of(index).word.compare_exchange_strong(seen, seen & ~word::kReferenced<Word>,
                                              memory_order_relaxed, memory_order_relaxed);
}

/// Takes all idle slots of a leaf, referenced or not, and parks the pinned ones. Afterwards every
/// live slot of the leaf is parked or has been taken. Interrupts are off.
template <class P>
void Mapper<P>::sweep_leaf(uint32_t leaf, typename Set::Bits slots, Batch& batch) {
  typename Set::Bits taken = 0;
  uint32_t count = 0;
  while (slots != 0) {
    const SlotIndex index = Set::first_of(leaf, slots);
    // Sequentially consistent: this is a sleeper's look at the window. Pairs with publish(), which
    // looks for sleepers after it has published.
    const Word seen = slot_of(index).word.load(memory_order_seq_cst);
    if (word::is_idle(seen) && !word::is_parked(seen)) {
      const Claim claimed = claim(index, seen, word::dead_after(seen));
      if (claimed == Claim::lost) continue;  // a hit came between: look again
      taken |= slots & -slots;
      ++count;
      if (claimed == Claim::touched) batch.to_flush[batch.touched++] = index;
    } else if (word::is_pinned(seen) && !park(index)) {
      continue;
    }
    slots &= slots - 1;
  }
  batch.end_leaf(leaf, taken, count);
}

/// Takes an idle slot out of use: no hit finds it any more, and its PTE is empty. If it was
/// `touched`, TLBs may still hold it, and flushes_due_ counts it until they are flushed. Where
/// flushes are posted, its flush has been posted instead, and the slot has the post's number.
/// Interrupts are off.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline auto Mapper<P>::claim(SlotIndex index, Word idle, Word dead)
    -> Claim {
  Slot& slot = slot_of(index);
  // Acquire: pairs with the kunmaps' subtractions, so that all use of the slot comes before its PTE
  // is taken; and with publish(), whose page is read below.
  if (!slot.word.compare_exchange_strong(idle, dead, memory_order_acq_rel, memory_order_relaxed)) {
    return Claim::lost;
  }
  const bool touched = platform_.take_pte(index);
  Word lost = page_virtual::kNone;
  if constexpr (kPosts) lost = Posting<P>::post_claimed(*this, index, touched);
  // While page->virtual names a taken slot, only the thread that took it changes page->virtual.
  // Release: pairs with publish(), evict() and find(). A thread that finds the page without a slot
  // comes after the claim, and after the PTE was taken.
  if constexpr (!kFindsSlots<P>) {
    platform_.page_virtual(slot.page.load(memory_order_relaxed)).store(lost, memory_order_release);
  }
  return touched ? Claim::touched : Claim::untouched;
}

/// Takes a pinned slot off the hand's path: its last kunmap sees that, and calls settle(). False:
/// the slot is not pinned any more and stays on the path. The slot leaves the set before its word
/// changes, so that this removal never undoes the insertion by the last kunmap.
template <class P>
bool Mapper<P>::park(SlotIndex index) {
  Slot& slot = slot_of(index);
  Word seen = 0;
  do {
    unparked_.remove(index);
    seen = slot.word.load(memory_order_relaxed);
    while (word::is_pinned(seen) && !word::is_parked(seen)) {
      // Relaxed: the last kunmap finds the flag in the word that it changes. Its insertion comes
      // after the removal above, because remove() acquires from every insertion before it.
      if (slot.word.compare_exchange_weak(seen, seen & ~word::kNotParked<Word>,
                                          memory_order_relaxed, memory_order_relaxed)) {
        return true;
      }
    }
    if (word::is_parked(seen)) return true;
    unparked_.insert(index);
    // A sleeper's sweep may have looked while the slot was out of the set. Sequentially consistent:
    // pairs with enqueue(), as the insertion pairs with the sweep's look at the set.
    if (waiters_.load(memory_order_seq_cst) == 0) [[likely]]
      return false;
    settle(index);
    // A hit may have been faster. Then no other thread parks the slot for that sleeper, so it is
    // done here. Relaxed: the load in the next turn and the swap prove it.
    seen = slot.word.load(memory_order_relaxed);
  } while (word::is_live(seen) && !word::is_parked(seen));
  return false;
}

/// Makes one flush for the batch; then its slots are clean. Sleepers get them first. The caller may
/// flush.
template <class P>
void Mapper<P>::finish(Batch& batch) {
  if (batch.taken != 0) {
    flush({batch.to_flush, batch.touched});
    platform_.count(Event::scavenge);
    platform_.count(Event::slot_scavenged, batch.taken);
  }
  flushes_done(1);
  if (batch.taken == 0) return;
  for (uint32_t i = 0; i < batch.runs; ++i) {
    const Run run = batch.run[i];
    for (typename Set::Bits left = kFindsSlots<P> ? run.slots : 0; left != 0; left &= left - 1)
      forget(Set::first_of(run.leaf, left));
    clean_.insert(run.leaf, run.slots);
  }
  cpus_[platform_.cpu()].leaf.store(batch.run[0].leaf, memory_order_relaxed);
  // Sequentially consistent, for the same reason as in put_clean().
  if (waiters_.load(memory_order_seq_cst) != 0) [[unlikely]]
    grant_clean();
}

/// Flushes slots whose PTEs were taken by claim(), those that were touched. If none of them was, no
/// TLB holds them, and there is nothing to flush. Where flushes are posted, returns when the slots'
/// posts have passed: the first wait has the late CPUs interrupted, and they drop all that was
/// posted until then. The caller may flush.
template <class P>
void Mapper<P>::flush(Span<const SlotIndex> touched) {
  if (touched.empty()) return platform_.count(Event::flush_avoided);
  if constexpr (kPosts) {
    for (const SlotIndex slot : touched) wait_for_post(platform_, slot_of(slot).of.number);
  } else {
    platform_.invalidate(touched);
    platform_.count(Event::flush);
  }
}

/// Where the platform finds slots: the page of a slot that was taken back has no slot any more. Its
/// flush has been made. (Elsewhere, claim() did this.)
template <class P>
void Mapper<P>::forget(SlotIndex slot) {
  if constexpr (kFindsSlots<P>) {
    platform_.page_virtual(page_of(slot)).store(page_virtual::kNone, memory_order_release);
  }
}

/// Gives a clean slot back: to the first sleeper, if there is one. Any context.
template <class P>
void Mapper<P>::put_clean(SlotIndex slot) {
  clean_.insert(slot);
  // Sequentially consistent, as is the insertion: the sleeper announces itself (enqueue()), then
  // looks for clean slots (grant_clean()).
  if (waiters_.load(memory_order_seq_cst) != 0) [[unlikely]]
    grant_clean();
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER uint32_t Mapper<P>::flush_all_zero_pkmaps() {
  if (!check_may_flush(__builtin_return_address(0))) return 0;
  return take_all_idle();
}

/// flush_all_zero_pkmaps() for a caller that may flush. Also a sleeper's look at the window, after
/// which every live slot is parked, or its publisher sees the sleeper.
template <class P>
uint32_t Mapper<P>::take_all_idle() {
  make_owed_flushes(slot_count_);
  uint32_t taken = 0;
  for (uint32_t leaf = 0; leaf < unparked_.leaves();) {
    Batch batch;
    add_flush_due();
    for (; leaf < unparked_.leaves() && batch.taken < Batch::kEnough; ++leaf) {
      const typename Set::Bits slots = unparked_.leaf(leaf);
      if (slots == 0) continue;
      const typename P::InterruptsOff bounded(platform_);
      sweep_leaf(leaf, slots, batch);
    }
    taken += batch.taken;
    finish(batch);
  }
  return taken;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER uint32_t Mapper<P>::scavenge_ahead(uint32_t slots) {
  if (!check_may_flush(__builtin_return_address(0))) return clean_.count();
  return scavenge_until(slots, [] { return false; });
}

template <class P>
template <class Predicate>
KMAPPER_REPORTS_ITS_CALLER uint32_t Mapper<P>::scavenge_ahead(uint32_t slots,
                                                              Predicate has_better_to_do) {
  if (!check_may_flush(__builtin_return_address(0))) return clean_.count();
  return scavenge_until(slots, has_better_to_do);
}

/// scavenge_ahead() for a caller that may flush.
template <class P>
template <class Predicate>
uint32_t Mapper<P>::scavenge_until(uint32_t slots, Predicate has_better_to_do) {
  if constexpr (kPosts) {
    Posting<P>::make_waiting_clean(*this);
  } else {
    while (owed_flushes_.load(memory_order_relaxed) != 0 && !has_better_to_do())
      make_owed_flushes(Batch::kMost);
  }
  const uint32_t clean = clean_.count();
  if (clean >= slots) return clean;
  const uint32_t missing = slots - clean;
  Scavenged done{0, 0};
  while (done.taken < missing && done.examined < slot_count_ && !has_better_to_do()) {
    const Scavenged now = scavenge();
    if (now.examined == 0) break;
    done.examined += now.examined;
    done.taken += now.taken;
  }
  return clean_.count();
}

}  // namespace kmapper
