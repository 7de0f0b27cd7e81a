// What the window tells people: what went wrong, who holds what, who waits for what, and how much
// was done.
#pragma once

#include <cstdint>

#include "kmapper/core/slot.hpp"

namespace kmapper {

/// What a caller did wrong. docs/MISUSE.md lists them with what to do.
enum class Misuse : std::uint8_t {
  wrong_open,            // open with no slots, with too many, or a second time
  not_open,              // kmap or reserve before open
  kunmap_not_mapped,     // kunmap of a page that has no slot
  kunmap_below_idle,     // kunmap of a page that is mapped, but that nobody holds
  kunmap_not_holder,     // kunmap of a page that others hold, but not the caller (checked builds)
  kunmap_wrong_address,  // kunmap of an address that no kmap returned
  use_after_kunmap,      // a handle used after its mapping has gone (checked builds)
  kmap_may_not_sleep,    // kmap from an interrupt, or with preemption off
  flush_may_not_wait,    // a flush with interrupts off, or holding a spinlock
  sleeping_with_pins,    // kmap sleeps while the caller holds a mapping (checked builds)
  reserving_with_pins,   // reserve while the caller holds a mapping (checked builds)
  too_many_users,        // a page is pinned more often than can be counted
  freed_while_pinned,    // a page went back to its allocator while somebody holds its mapping
  held_too_long,         // a slot has been pinned for longer than the watcher allows
  waiting_too_long,      // a thread has slept in kmap for longer than the watcher allows
  local_out_of_order,    // kunmap_local of a mapping that is not the last
  local_not_mapped,      // kunmap_local of an address that the caller does not hold
  local_too_deep,        // more kmap_local than a CPU has slots
  local_left_mapped,     // a thread or an interrupt handler ended, and held a local mapping
  vunmap_wrong_address,  // vunmap of an address that no vmap returned, or twice
  kCount,
};

/// Something to know, not something that the calling thread did wrong just now.
[[nodiscard]] constexpr bool is_notice(Misuse misuse) {
  return misuse == Misuse::sleeping_with_pins || misuse == Misuse::held_too_long ||
         misuse == Misuse::waiting_too_long;
}

/// What happened, in a few words, and what its author should do about it.
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
      return {"a mapping is held for long", "kunmap as soon as the access is over"};
    case Misuse::waiting_too_long:
      return {"a kmap has slept for long", "look at who holds the slots"};
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
  typename P::Stamp holder;  // who took the slot from idle, or waits, and since when
  const void* address;
  const void* caller;  // return address of the call that was wrong, took the slot, or sleeps
  const void* mapped_at = nullptr;  // who made the local mapping on top; null: it is not about one
  std::uint32_t slots = 0;          // that open() was asked for
  std::uint32_t most_slots = 0;     // that it may be asked for; 0: it is not about open()
};

/// What has happened since open(). Sums over all CPUs, exact when nobody is mapping.
struct Stats {
  std::uint64_t hits, misses, scavenges, slots_scavenged, flushes, flushes_avoided, sleeps;
  std::uint64_t longest_sleep_ns;
};

/// What evict() found.
enum class Evicted : std::uint8_t {
  not_mapped,
  taken_back,
  pinned,      // somebody holds the mapping: nothing was done
  flush_owed,  // no PTE maps the page, but a TLB may: the caller may not flush
};

}  // namespace kmapper
