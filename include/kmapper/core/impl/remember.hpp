// Which pages lose their slots on a platform that remembers: the idea is in remember.hpp. The work
// is done once a miss (recall), once a slot that is taken (remember), once a leaf and once a batch.
#pragma once

#include "kmapper/core/mapper.hpp"

namespace kmapper {

/// What a Mapper does where kRemembers. A class of its own, so that other Mappers do not contain
/// it.
template <class P>
class Remembering {
 public:
  using Mapper = kmapper::Mapper<P>;
  using Batch = typename Mapper::Batch;
  using Bits = typename Mapper::Set::Bits;
  using Page = typename P::Page;
  using Run = typename Mapper::Run;
  using Scavenged = typename Mapper::Scavenged;
  using Word = typename Mapper::Word;

  /// Leaves that a batch looks at before the first hand alone goes on. The second hand may meet no
  /// slot on probation for as long; and for ever, while users hold as many as are wanted.
  static constexpr uint32_t kMostLeaves = 1024;

  /// A scavenge's way through the window. The second hand moves while too many slots are on
  /// probation. If that gives nothing, the first hand takes slots of both kinds: so nothing is
  /// examined only if all slots are parked. Interrupts are off.
  static void examine(Mapper& mapper, Batch& batch) {
    adapt(mapper);
    batch.small.enough = enough(mapper);
    go_round<true>(mapper, batch, kMostLeaves);
    if (batch.taken == 0 && batch.examined < Batch::kMostExamined)
      go_round<false>(mapper, batch, UINT32_MAX);
  }

  /// take_clean() when no slot is clean. Two rounds of the hands, each over its own slots, take
  /// what is idle, unless other threads hold so many slots for a moment that the hands meet no
  /// others. Then two rounds of the first hand over all slots do, as without probation. The caller
  /// may flush.
  static SlotIndex take(Mapper& mapper, typename P::template Atomic<uint32_t>& leaf) {
    const uint64_t rounds = 2 * uint64_t{mapper.slot_count_};
    for (uint64_t examined = 0; examined <= 2 * rounds;) {
      const uint32_t now =
          (examined <= rounds ? mapper.scavenge() : scavenge_by_first_hand(mapper)).examined;
      const SlotIndex slot = mapper.clean_.take(leaf);
      if (slot != kNoSlot || now == 0) return slot;
      examined += now;
    }
    return kNoSlot;
  }

  /// The page of a slot that has just been claimed loses it.
  static void remember(Mapper& mapper, SlotIndex slot) {
    const Bits on_probation = mapper.unparked_.remembered(Mapper::Set::leaf_of(slot))
                                  .on_probation.load(memory_order_relaxed);
    mapper.shares_.ghost.remember(mapper.platform_.hash(mapper.page_of(slot)),
                                  (on_probation & Mapper::Set::bit_of(slot)) != 0);
  }

  /// What the page's first word in its new slot has beyond published(). A window that is not full
  /// yet has taken nothing back, and its ghost occupies no memory.
  [[nodiscard]] static Word recall(Mapper& mapper, Page page) {
    using Found = typename Ghost<P>::Found;
    if (mapper.slots_in_use() != mapper.slot_count_) return 0;
    const Found found = mapper.shares_.ghost.recall(mapper.platform_.hash(page));
    if (found == Found::no) return 0;
    auto& returned = mapper.cpus_[mapper.platform_.cpu()].returned;
    auto& count = found == Found::of_main ? returned.to_main : returned.to_probation;
    count.store(count.load(memory_order_relaxed) + 1, memory_order_relaxed);
    return word::kReferenced<Word>;
  }

  /// Which of these slots of a leaf a hand does not take this time, because they were mapped ahead,
  /// and no hand has met them yet.
  [[nodiscard]] static Bits spare(Mapper& mapper, uint32_t leaf, Bits slots) {
    auto& remembered = mapper.unparked_.remembered(leaf);
    slots &= remembered.ahead.load(memory_order_relaxed);
    if (slots == 0) return 0;
    return slots & ~remembered.spared.fetch_or(slots, memory_order_relaxed);
  }

  /// A hand has passed some slots of a leaf: it has `taken` some, and found that the pages of
  /// others were `used_again`; or used at all, if they had been mapped ahead.
  static void end_leaf(Mapper& mapper, uint32_t leaf, Bits taken, Bits used_again) {
    Shares<P>& shares = mapper.shares_;
    auto& [on_probation, ahead, spared] = mapper.unparked_.remembered(leaf);
    const Bits first_used = ahead.load(memory_order_relaxed) & (taken | used_again);
    if (first_used != 0) {
      ahead.fetch_and(~first_used, memory_order_relaxed);
      spared.fetch_and(~first_used, memory_order_relaxed);
      used_again &= ~first_used;
    }
    const Bits seen = on_probation.load(memory_order_relaxed);
    if ((seen & used_again) != 0) {
      const Bits before = on_probation.fetch_and(~used_again, memory_order_relaxed);
      shares.on_probation.fetch_sub(library::count_bits(before & used_again), memory_order_relaxed);
    }
    if ((taken & ~seen) != 0) {
      const Bits before = on_probation.fetch_or(taken, memory_order_relaxed);
      shares.on_probation.fetch_add(library::count_bits(taken & ~before), memory_order_relaxed);
      shares.main_taken.fetch_add(library::count_bits(taken & ~seen), memory_order_relaxed);
    }
    if ((taken & seen) != 0)
      shares.probation_taken.fetch_add(library::count_bits(taken & seen), memory_order_relaxed);
  }

 private:
  /// A small window must not be emptied by one batch: a batch is a sixteenth of the slots.
  [[nodiscard]] static uint32_t enough(const Mapper& mapper) {
    const uint32_t part = mapper.slot_count_ / 16;
    return part == 0 ? 1 : library::smaller(part, Batch::kEnough);
  }

  /// Two hands, each on its own slots, or the first hand alone on all slots, look at so many leaves
  /// at most, and go round once at most.
  template <bool kTwoHands>
  static void go_round(Mapper& mapper, Batch& batch, uint32_t most_leaves) {
    Shares<P>& shares = mapper.shares_;
    // Once round, and the rest of the first leaf.
    uint32_t steps = library::smaller(mapper.unparked_.leaves() + 1, most_leaves);
    do {
      // Relaxed, here and everywhere below: hints.
      const bool is_second = kTwoHands && shares.on_probation.load(memory_order_relaxed) >
                                              shares.wanted.load(memory_order_relaxed);
      auto& hand = is_second ? shares.probation_hand : mapper.hand_;
      Run path = next_of(mapper, hand);
      if (path.slots == 0) break;
      if constexpr (kTwoHands) {
        const Bits on_probation =
            mapper.unparked_.remembered(path.leaf).on_probation.load(memory_order_relaxed);
        path.slots &= is_second ? on_probation : ~on_probation;
      }
      if (path.slots == 0) continue;
      mapper.examine_leaf(path.leaf, path.slots, batch);
      if (batch.small.left != 0)
        hand.store(to_number(Mapper::Set::first_of(path.leaf, batch.small.left)),
                   memory_order_relaxed);
    } while (batch.taken < batch.small.enough && batch.examined < Batch::kMostExamined &&
             --steps != 0);
  }

  /// As Mapper::next_of_hand(), but a hand may stand within a leaf: it is the next slot.
  static Run next_of(Mapper& mapper, typename P::template Atomic<uint32_t>& hand) {
    constexpr uint32_t kSlots = Mapper::Set::kLeafSlots;
    const uint32_t at = hand.load(memory_order_relaxed);
    Run path{at / kSlots, 0};
    path.slots = mapper.unparked_.leaf(path.leaf) & (~Bits{0} << (at % kSlots));
    if (path.slots == 0) {
      const uint32_t next = path.leaf + 1;
      path.leaf = mapper.unparked_.next_leaf(next >= mapper.unparked_.leaves() ? 0 : next);
      if (path.leaf == Mapper::Set::kNoLeaf) return path;
      path.slots = mapper.unparked_.leaf(path.leaf);
    }
    const uint32_t next = path.leaf + 1;
    hand.store(next >= mapper.unparked_.leaves() ? 0 : next * kSlots, memory_order_relaxed);
    return path;
  }

  static Scavenged scavenge_by_first_hand(Mapper& mapper) {
    Batch batch;
    batch.small.enough = enough(mapper);
    mapper.add_flush_due();
    {
      const typename P::InterruptsOff bounded(mapper.platform_);
      go_round<false>(mapper, batch, UINT32_MAX);
    }
    mapper.finish(batch);
    return {batch.examined, batch.taken};
  }

  /// The share grows whose pages return. A return weighs the more, the fewer slots its hand took:
  /// in ARC, too, what counts is how likely a page that is remembered returns.
  static void adapt(Mapper& mapper) {
    Shares<P>& shares = mapper.shares_;
    auto& returned = mapper.cpus_[mapper.platform_.cpu()].returned;
    const uint32_t main = shares.main_taken.load(memory_order_relaxed) + 1;
    const uint32_t probation = shares.probation_taken.load(memory_order_relaxed) + 1;
    const int64_t slots = mapper.slot_count_;
    const int64_t before = shares.wanted.load(memory_order_relaxed);
    int64_t wanted = before;
    wanted += int64_t{take_all(returned.to_probation)} * weight(main, probation);
    wanted -= int64_t{take_all(returned.to_main)} * weight(probation, main);
    if (wanted < slots / 20) wanted = slots / 20;
    if (wanted > slots * 9 / 10) wanted = slots * 9 / 10;
    if (wanted != before) shares.wanted.store(static_cast<uint32_t>(wanted), memory_order_relaxed);
    if (int64_t{main} + probation < slots + 2) return;
    shares.main_taken.store((main - 1) / 2, memory_order_relaxed);
    shares.probation_taken.store((probation - 1) / 2, memory_order_relaxed);
  }

  [[nodiscard]] static uint32_t take_all(typename P::template Atomic<uint32_t>& count) {
    if (count.load(memory_order_relaxed) == 0) return 0;
    return count.exchange(0, memory_order_relaxed);
  }
  [[nodiscard]] static uint32_t weight(uint32_t of_other, uint32_t of_own) {
    return of_other > of_own ? of_other / of_own : 1;
  }
};

}  // namespace kmapper
