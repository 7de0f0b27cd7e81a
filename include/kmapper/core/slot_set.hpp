// A set of slots that any CPU may change without a lock: one bit a slot in leaves of kSlotsOfLeaf,
// and a summary with one bit a leaf. A search looks at a few words, however large the window is.
// Each leaf lies on a cache line of its own, and a scavenger fills one leaf at a time, so CPUs that
// take slots from different leaves do not disturb each other. The mapper chooses leaves of 16
// slots, or of 4 where flushes are posted.
//
// A summary bit may be set over an empty leaf. A search that finds such a bit clears it, looks at
// the leaf again, and sets the bit again if the leaf has been filled meanwhile. So the summary may
// hide a filled leaf for a moment: during this correction, and while an insert() is on its way from
// the leaf to the summary. A caller that must not miss a slot (a grant to a sleeper) uses
// take_surely().
//
// Longer than usual: two ways to insert and four to take share one protocol.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/library.hpp"
#include "kmapper/core/remember.hpp"
#include "kmapper/core/slot.hpp"
#include "kmapper/core/table.hpp"

namespace kmapper {

template <class P, size_t kCapacity, uint32_t kSlotsOfLeaf = 16>
class SlotSet {
  using AtomicBits = typename P::template Atomic<uint32_t>;
  struct alignas(64) Leaf {
    AtomicBits bits{};
    [[no_unique_address]] IfRemembers<P, Remembered<P>> remembered{};
  };

 public:
  using Bits = uint32_t;
  static constexpr uint32_t kLeafSlots = kSlotsOfLeaf;
  static constexpr uint32_t kNoLeaf = UINT32_MAX;

  /// Limits all searches: only slots below `slots` are members. Call it before the first insert(),
  /// and before slots beyond that are inserted; one thread at a time. A search of another thread
  /// may keep to the old limit until that thread takes the lock that the caller holds.
  void resize(uint32_t slots) {
    // Relaxed: the lock orders it.
    leaves_in_use_.store(leaves_for(slots), memory_order_relaxed);
    summaries_.store(summaries_for(slots), memory_order_relaxed);
  }

  /// Adds slots of one leaf. Publishes what was done to them: take() acquires it. Any context.
  void insert(uint32_t leaf, Bits slots) {
    // Release: pairs with take_from(), remove() and leaf(). Sequentially consistent, with leaf(): a
    // sleeper announces itself, then looks; an inserting thread inserts, then looks for sleepers.
    const Bits before = leaves_[leaf].bits.fetch_or(slots, memory_order_seq_cst);
    if (before == 0) mark(leaf);
  }
  void insert(SlotIndex slot) { insert(leaf_of(slot), bit_of(slot)); }
  /// insert() that the summary does not show: only take_from() this leaf finds the slots, and
  /// take_surely(), leaf() and count(). For a CPU that goes on to take from this leaf. It spares
  /// the summary's line, which all CPUs share. An insert() into a leaf with such slots is not shown
  /// either.
  void insert_apart(uint32_t leaf, Bits slots) {
    // As in insert().
    leaves_[leaf].bits.fetch_or(slots, memory_order_seq_cst);
  }
  /// Lets the summary show the leaf, if it has slots.
  void show(uint32_t leaf) {
    // Relaxed: a slot that this misses is found as those of insert_apart() are.
    if (leaves_[leaf].bits.load(memory_order_relaxed) != 0) mark(leaf);
  }
  /// Whether the summary may show a slot. A hint, which take() corrects.
  [[nodiscard]] bool may_be_found() const { return shows_.load(memory_order_relaxed) != 0; }

  /// Removes the slot if it is there. Any context.
  void remove(SlotIndex slot) {
    // Acquire: pairs with insert(). What the caller reads of the slot now is as new as the
    // insertion that it undoes. An insertion that another thread makes because of the caller's next
    // step comes after this removal.
    leaves_[leaf_of(slot)].bits.fetch_and(~bit_of(slot), memory_order_acq_rel);
  }

  /// Takes a slot out of that leaf. kNoSlot: the leaf had none. Any context.
  [[nodiscard]] SlotIndex take_from(uint32_t leaf) {
    // Relaxed: the swap proves it. Acquire: pairs with insert().
    Bits bits = leaves_[leaf].bits.load(memory_order_relaxed);
    const Bits seen = bits;
    if (seen == 0) return kNoSlot;
    if (!leaves_[leaf].bits.compare_exchange_strong(bits, seen & (seen - 1), memory_order_acquire,
                                                    memory_order_relaxed)) [[unlikely]] {
      return take_again(leaf);
    }
    const SlotIndex slot = first_of(leaf, seen);
    if (slot == kNoSlot) __builtin_unreachable();  // spares the caller's test
    return slot;
  }

  /// Takes any slot out, from the leaf `hint` if it has one, and stores in `hint` the leaf that it
  /// came from. kNoSlot: the set was empty. Any context.
  [[nodiscard]] SlotIndex take(typename P::template Atomic<uint32_t>& hint) {
    uint32_t leaf = hint.load(memory_order_relaxed);  // relaxed, here and below: a hint
    for (;;) {
      const SlotIndex slot = take_from(leaf);
      if (slot != kNoSlot) return slot;
      leaf = next_leaf(leaf);
      if (leaf == kNoLeaf) {
        // Relaxed: a slot that this hides is found by take_surely(), or with the next one.
        shows_.store(0, memory_order_relaxed);
        return kNoSlot;
      }
      hint.store(leaf, memory_order_relaxed);
    }
  }

  /// take() that looks at every leaf before it returns kNoSlot. The summary may hide a filled leaf
  /// while another thread corrects it, and that thread need not look again for a sleeper.
  [[nodiscard]] SlotIndex take_surely(typename P::template Atomic<uint32_t>& hint) {
    SlotIndex slot = take(hint);
    for (uint32_t i = 0; slot == kNoSlot && i < leaves(); ++i) {
      while (slot == kNoSlot && leaf(i) != 0) slot = take_from(i);
    }
    return slot;
  }

  /// The first filled leaf at or after `from`, going round; kNoLeaf if there is none. Any context.
  [[nodiscard]] uint32_t next_leaf(uint32_t from) {
    const uint32_t start = from / 32;
    const uint32_t summaries = summaries_.load(memory_order_relaxed);
    const Bits at_or_after = ~Bits{0} << (from % 32);
    uint32_t leaf = filled_leaf(start, at_or_after);
    for (uint32_t i = start + 1; leaf == kNoLeaf && i < summaries; ++i)
      leaf = filled_leaf(i, ~Bits{0});
    for (uint32_t i = 0; leaf == kNoLeaf && i < start; ++i) leaf = filled_leaf(i, ~Bits{0});
    return leaf != kNoLeaf ? leaf : filled_leaf(start, ~at_or_after);
  }

  /// Sequentially consistent: a sleeper announces itself, then looks here; pairs with insert().
  [[nodiscard]] Bits leaf(uint32_t index) const {
    return leaves_[index].bits.load(memory_order_seq_cst);
  }
  /// The number of members; other threads may be changing it. Looks at every leaf. Any context.
  [[nodiscard]] uint32_t count() const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < leaves(); ++i)
      count += library::count_bits(leaves_[i].bits.load(memory_order_relaxed));  // it may change
    return count;
  }
  /// Leaves in use.
  [[nodiscard]] uint32_t leaves() const { return leaves_in_use_.load(memory_order_relaxed); }
  [[nodiscard]] bool contains(SlotIndex slot) const {
    return (leaf(leaf_of(slot)) & bit_of(slot)) != 0;
  }
  /// Where kRemembers: what is remembered of the slots of a leaf, members or not. The set does not
  /// use it.
  [[nodiscard]] Remembered<P>& remembered(uint32_t leaf) requires(kRemembers<P>) {
    return leaves_[leaf].remembered;
  }

  /// Where kTablesOutside: the memory that a set of so many slots needs, and its place.
  [[nodiscard]] static constexpr size_t table_bytes(uint32_t slots) {
    return library::table_bytes<Leaf>(leaves_for(slots)) +
           library::table_bytes<AtomicBits>(summaries_for(slots));
  }
  void place_tables(char*& memory, uint32_t slots) requires(kTablesOutside<P>) {
    leaves_ = library::place_table<Leaf>(memory, leaves_for(slots));
    summary_ = library::place_table<AtomicBits>(memory, summaries_for(slots));
  }

  [[nodiscard]] static constexpr uint32_t leaf_of(SlotIndex slot) {
    return to_number(slot) / kLeafSlots;
  }
  [[nodiscard]] static constexpr Bits bit_of(SlotIndex slot) {
    return Bits{1} << (to_number(slot) % kLeafSlots);
  }
  /// The lowest slot of `bits`, which must not be empty.
  [[nodiscard]] static constexpr SlotIndex first_of(uint32_t leaf, Bits bits) {
    return SlotIndex{leaf * kLeafSlots + library::lowest_bit(bits)};
  }

 private:
  [[nodiscard]] static constexpr uint32_t leaves_for(uint64_t slots) {
    return static_cast<uint32_t>((slots + kLeafSlots - 1) / kLeafSlots);
  }
  [[nodiscard]] static constexpr uint32_t summaries_for(uint64_t slots) {
    return (leaves_for(slots) + 31) / 32;
  }

  // Not inline: another thread has changed the leaf meanwhile.
  [[gnu::noinline]] SlotIndex take_again(uint32_t leaf) {
    // As in take_from().
    Bits seen = leaves_[leaf].bits.load(memory_order_relaxed);
    while (seen != 0) {
      if (leaves_[leaf].bits.compare_exchange_weak(seen, seen & (seen - 1), memory_order_acquire,
                                                   memory_order_relaxed)) {
        return first_of(leaf, seen);
      }
    }
    return kNoSlot;
  }

  void mark(uint32_t leaf) {
    // Release: pairs with the clear in filled_leaf().
    summary_[leaf / 32].fetch_or(Bits{1} << (leaf % 32), memory_order_acq_rel);
    // Relaxed: a hint. The load spares other CPUs the line.
    if (shows_.load(memory_order_relaxed) == 0) shows_.store(1, memory_order_relaxed);
  }

  /// The first filled leaf that summary word `index` shows within `mask`. Clears bits that are set
  /// over empty leaves. The clear acquires from the insert() whose mark it may have erased, so the
  /// second look at the leaf sees that insert, and the mark is set again. The loads are hints: the
  /// thread that takes a slot out acquires it by that.
  uint32_t filled_leaf(uint32_t index, Bits mask) {
    Bits shown = summary_[index].load(memory_order_acquire) & mask;
    for (; shown != 0; shown &= shown - 1) {
      const uint32_t leaf = index * 32 + library::lowest_bit(shown);
      if (leaves_[leaf].bits.load(memory_order_acquire) != 0) return leaf;
      summary_[index].fetch_and(~(shown & -shown), memory_order_acq_rel);
      if (leaves_[leaf].bits.load(memory_order_acquire) != 0) {
        mark(leaf);
        return leaf;
      }
    }
    return kNoLeaf;
  }

  Table<P, Leaf, leaves_for(kCapacity)> leaves_{};
  Table<P, AtomicBits, summaries_for(kCapacity)> summary_{};
  AtomicBits shows_{};      // 0: take() has found the summary empty, and nothing is shown since
  AtomicBits summaries_{};  // in use
  AtomicBits leaves_in_use_{};
};

}  // namespace kmapper
