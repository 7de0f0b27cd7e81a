// The holders of all pins, in checked builds: one record for each pin, listed by slot. A release
// build knows only the thread that took a slot from idle. The ledger finds a thread that unmaps
// another thread's mapping, or that sleeps while it holds one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/slot.hpp"
#include "kmapper/core/table.hpp"

namespace kmapper {

/// The ledger of a build that is not checked: records nothing, and takes every call for correct.
template <class P, bool kUsed>
class Ledger {
 public:
  void add(SlotIndex, typename P::Stamp, const void*) {}
  [[nodiscard]] bool remove(P&, SlotIndex, typename P::Stamp) { return true; }
  template <class Predicate>
  [[nodiscard]] uint32_t remove_all(SlotIndex, Predicate) {
    return 0;
  }
  void hand_over(P&, SlotIndex, typename P::Stamp) {}
  [[nodiscard]] SlotIndex any_of(P&, typename P::Stamp, uint32_t) { return kNoSlot; }
  [[nodiscard]] static constexpr size_t table_bytes(uint32_t) { return 0; }
  void place_tables(char*&, uint32_t) {}
};

/// Four records for each slot, without a heap. When they run out, pins go unrecorded, and calls for
/// slots with such pins are taken for correct.
template <class P>
class Ledger<P, true> {
 public:
  using Stamp = typename P::Stamp;

  struct Record {
    Stamp holder;
    const void* caller;  // of the kmap
    bool handed_over;    // any thread may unmap it
    uint32_t next;       // in the slot's list; 0: the last
  };

  /// Where kTablesOutside: the memory that the ledger of so many slots needs, and its place.
  [[nodiscard]] static constexpr size_t table_bytes(uint32_t slots) {
    return 2 * library::table_bytes<uint32_t>(slots) +
           library::table_bytes<Record>(most_for(slots) + 1);
  }
  void place_tables(char*& memory, uint32_t slots) requires(kTablesOutside<P>) {
    most_ = most_for(slots);
    first_ = library::place_table<uint32_t>(memory, slots);
    unrecorded_ = library::place_table<uint32_t>(memory, slots);
    records_ = library::place_table<Record>(memory, most_ + 1);
  }

  /// Notes a pin. Any context.
  void add(SlotIndex slot, Stamp holder, const void* caller) {
    const Guard guard(lock_);
    const uint32_t record = take_free();
    if (record == 0) {
      ++unrecorded_[to_number(slot)];
      return;
    }
    records_[record] = {holder, caller, false, first_[to_number(slot)]};
    first_[to_number(slot)] = record;
  }

  /// Removes the record of a pin of this holder, or of a pin that was handed over. False: there is
  /// none.
  [[nodiscard]] bool remove(P& platform, SlotIndex slot, Stamp holder) {
    const Guard guard(lock_);
    uint32_t* const link = find(platform, slot, holder);
    if (link == nullptr) {
      if (unrecorded_[to_number(slot)] == 0) return false;
      --unrecorded_[to_number(slot)];
      return true;
    }
    strike_out(link);
    return true;
  }

  /// Removes the records of all pins of the slot whose holders have died. Returns how many.
  template <class Predicate>
  [[nodiscard]] uint32_t remove_all(SlotIndex slot, Predicate died) {
    const Guard guard(lock_);
    uint32_t removed = 0;
    for (uint32_t* link = &first_[to_number(slot)]; *link != 0;) {
      if (died(records_[*link].holder) && !records_[*link].handed_over) {
        strike_out(link);
        ++removed;
      } else {
        link = &records_[*link].next;
      }
    }
    return removed;
  }

  /// From now on, any thread may give back this holder's pin.
  void hand_over(P& platform, SlotIndex slot, Stamp holder) {
    const Guard guard(lock_);
    uint32_t* const link = find(platform, slot, holder);
    if (link != nullptr) records_[*link].handed_over = true;
  }

  /// A slot that this holder pins, or kNoSlot.
  [[nodiscard]] SlotIndex any_of(P& platform, Stamp holder, uint32_t slots) {
    const Guard guard(lock_);
    for (uint32_t i = 0; i < slots; ++i) {
      for (uint32_t it = first_[i]; it != 0; it = records_[it].next) {
        if (!records_[it].handed_over && platform.same_holder(records_[it].holder, holder))
          return SlotIndex{i};
      }
    }
    return kNoSlot;
  }

  /// Calls visit(const Record&) for each pin of the slot. The visitor must not call the mapper.
  template <class Visitor>
  void for_each(SlotIndex slot, Visitor visit) {
    const Guard guard(lock_);
    for (uint32_t it = first_[to_number(slot)]; it != 0; it = records_[it].next)
      visit(records_[it]);
  }

 private:
  /// As many records as an index of 32 bits allows, at most.
  [[nodiscard]] static constexpr uint32_t most_for(size_t slots) {
    return slots < UINT32_MAX / 4 ? static_cast<uint32_t>(4 * slots) : UINT32_MAX - 1;
  }

  struct Guard {
    explicit Guard(typename P::Lock& lock) : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    typename P::Lock& lock_;
  };

  uint32_t take_free() {
    if (free_ != 0) {
      const uint32_t record = free_;
      free_ = records_[record].next;
      return record;
    }
    const uint32_t most = kTablesOutside<P> ? most_ : most_for(P::kMaxSlots);
    return used_ < most ? ++used_ : 0;
  }

  void strike_out(uint32_t* link) {
    const uint32_t record = *link;
    *link = records_[record].next;
    records_[record].next = free_;
    free_ = record;
  }

  /// The link to this holder's record of the slot; else to a record that was handed over; else
  /// null.
  uint32_t* find(P& platform, SlotIndex slot, Stamp holder) {
    uint32_t* handed_over = nullptr;
    for (uint32_t* link = &first_[to_number(slot)]; *link != 0; link = &records_[*link].next) {
      if (records_[*link].handed_over) {
        handed_over = link;
      } else if (platform.same_holder(records_[*link].holder, holder)) {
        return link;
      }
    }
    return handed_over;
  }

  typename P::Lock lock_{};
  uint32_t free_ = 0;
  uint32_t used_ = 0;
  uint32_t most_ = 0;  // where kTablesOutside
  Table<P, uint32_t, P::kMaxSlots> first_{};
  Table<P, uint32_t, P::kMaxSlots> unrecorded_{};
  Table<P, Record, most_for(P::kMaxSlots) + size_t{1}> records_{};
};

}  // namespace kmapper
