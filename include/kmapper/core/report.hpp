// What the window reports: misuses, holders, waiters, and counts of its work.
#pragma once

#include <stdint.h>

#include "kmapper/core/slot.hpp"

namespace kmapper {

/// What a caller did wrong. docs/MISUSE.md lists each with its remedy.
enum class Misuse : uint8_t {
  wrong_open,            // open with no slots, with too many, or a second time
  not_open,              // kmap or reserve before open
  kunmap_not_mapped,     // kunmap of a page that has no slot
  kunmap_below_idle,     // kunmap of a page that is mapped but has no user
  kunmap_not_holder,     // kunmap of a page that only other threads hold (checked builds)
  kunmap_wrong_address,  // kunmap of an address that no kmap returned
  use_after_kunmap,      // a handle used after its mapping has gone (checked builds)
  kmap_may_not_sleep,    // kmap from an interrupt, or with preemption off
  flush_may_not_wait,    // a flush with interrupts off, or holding a spinlock
  sleeping_with_pins,    // kmap sleeps while the caller holds a mapping (checked builds)
  reserving_with_pins,   // reserve while the caller holds a mapping (checked builds)
  too_many_users,        // a page is pinned more often than can be counted
  freed_while_pinned,    // a page went back to its allocator while a user holds its mapping
  held_too_long,         // a slot has been pinned for longer than the watcher allows
  waiting_too_long,      // a thread has slept in kmap for longer than the watcher allows
  local_out_of_order,    // kunmap_local of a mapping that is not the last
  local_not_mapped,      // kunmap_local of an address that the caller does not hold
  local_too_deep,        // more kmap_local than a CPU has slots
  local_left_mapped,     // a thread or an interrupt handler ended while it held a local mapping
  vunmap_wrong_address,  // vunmap of an address that no vmap returned, or twice
  vfree_wrong_address,   // vfree of an address that no vmalloc returned, or twice
  kCount,
};

/// Whether it is a notice: information, not an error that the calling thread has just made.
[[nodiscard]] constexpr bool is_notice(Misuse misuse) {
  return misuse == Misuse::sleeping_with_pins || misuse == Misuse::held_too_long ||
         misuse == Misuse::waiting_too_long;
}

/// What happened, in a few words, and what the author of the calling code should do about it.
struct MisuseText {
  const char* what;
  const char* advice;
};
[[nodiscard]] constexpr MisuseText describe(Misuse misuse) {
  switch (misuse) {
    case Misuse::wrong_open:
      return {"open with no slots, with too many, or a second time",
              "open once, with 1 to kMaxSlots slots"};
    case Misuse::not_open:
      return {"kmap before the window is open", "open it before any other call"};
    case Misuse::kunmap_not_mapped:
      return {"kunmap of a page that is not mapped", "kunmap once for each kmap, and after it"};
    case Misuse::kunmap_below_idle:
      return {"kunmap of a page that nobody holds", "look for a second kunmap of one kmap"};
    case Misuse::kunmap_not_holder:
      return {"kunmap of a page that only others hold",
              "look for a second kunmap; a mapping given to another thread needs hand_over()"};
    case Misuse::kunmap_wrong_address:
      return {"kunmap of an address that no kmap returned", "pass what kmap returned"};
    case Misuse::use_after_kunmap:
      return {"use of a mapping after its kunmap", "keep the mapping for as long as its address"};
    case Misuse::kmap_may_not_sleep:
      return {"kmap where the caller may not sleep", "use try_kmap or kmap_local"};
    case Misuse::flush_may_not_wait:
      return {"a flush where the caller may not wait for other CPUs",
              "flush with interrupts on and no spinlock held, or use evict"};
    case Misuse::sleeping_with_pins:
      return {"kmap sleeps while its caller holds a mapping",
              "use kmap_all or reserve before the first"};
    case Misuse::reserving_with_pins:
      return {"reserve while its caller holds a mapping", "reserve before the first kmap"};
    case Misuse::too_many_users:
      return {"kmap of a page that has too many users", "look for kmaps without a kunmap"};
    case Misuse::freed_while_pinned:
      return {"a page freed while it is pinned", "kunmap before the page is freed"};
    case Misuse::held_too_long:
      return {"a mapping has been held for a long time", "kunmap as soon as the access is over"};
    case Misuse::waiting_too_long:
      return {"a kmap has slept for a long time", "find the holders of the slots"};
    case Misuse::local_out_of_order:
      return {"kunmap_local out of order", "kunmap_local the last mapping first"};
    case Misuse::local_not_mapped:
      return {"kunmap_local of an address that the caller does not hold",
              "kunmap_local once for each kmap_local, and in the same thread"};
    case Misuse::local_too_deep:
      return {"kmap_local too deep", "look for a kmap_local without a kunmap_local"};
    case Misuse::local_left_mapped:
      return {"a local mapping left behind", "kunmap_local before the thread or interrupt ends"};
    case Misuse::vunmap_wrong_address:
      return {"vunmap of an address where no area begins", "vunmap what vmap returned, once"};
    case Misuse::vfree_wrong_address:
      return {"vfree of an address where no area of vmalloc begins",
              "vfree what vmalloc returned, once"};
    case Misuse::kCount:
      break;
  }
  return {"unknown misuse", ""};
}

/// One report. `slot` is kNoSlot, `page` Page{} and `address` null where they do not apply.
template <class P>
struct MisuseReport {
  Misuse what;
  typename P::Page page;
  SlotIndex slot;
  typename P::Stamp holder;  // the thread that took the slot from idle, or waits, and since when
  const void* address;
  const void* caller;  // return address of the call that was wrong, took the slot, or sleeps
  const void* mapped_at = nullptr;  // the code that made the local mapping on top; null: none
  uint32_t slots = 0;               // the number that open() was called with
  uint32_t most_slots = 0;          // the most that open() accepts; 0: the report is not on open()
};

/// Sums over all CPUs since open(). Exact while no thread is mapping.
struct Stats {
  uint64_t hits, misses, scavenges, slots_scavenged, flushes, flushes_avoided, sleeps;
  uint64_t longest_sleep_ns;
};

/// The answer of evict().
enum class Evicted : uint8_t {
  not_mapped,
  taken_back,
  pinned,      // a user holds the mapping: nothing was done
  flush_owed,  // no PTE maps the page, but a TLB may: the caller may not flush
};

}  // namespace kmapper
