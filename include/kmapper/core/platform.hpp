// The seam: everything that the core asks of the world. Porting kmapper means writing one class
// that satisfies Platform below, and nothing else. The core keeps the platform by value: make it an
// empty class (a kernel) or a pointer to your state (a process, a test).
//
// "May be called" speaks of the core: what a function may assume about the place it is called from.
// "Interrupts off" on a platform without interrupts means: nothing.
//
// Platform is what kmap needs (mapper.hpp); LocalPlatform and VmapPlatform what kmap_local and vmap
// need beyond that (local_map.hpp, vmap.hpp).
//
// Longer than usual: all that a port has to write stands in this one file.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/report.hpp"
#include "kmapper/core/slot.hpp"

namespace kmapper {

/// The most slots that one invalidate() is given: a port's arrays need room for no more.
inline constexpr std::size_t kLargestBatch = 31;

/// What the core counts. Each is counted where it happens, on the CPU where it happens.
enum class Event : std::uint8_t {
  hit,             // kmap found the page mapped
  miss,            // kmap mapped the page
  scavenge,        // a batch of idle slots was taken back
  slot_scavenged,  // one slot of such a batch
  flush,           // one invalidation of a batch
  flush_avoided,   // a batch whose pages nobody had touched: no TLB can hold them
  sleep,           // a kmap that slept
  kCount,
};

/// What a platform has to be. `constant` stands for one that the core only looks at.
template <class P>
concept Platform = requires(P p, const P constant, typename P::Page page, SlotIndex slot,
                            const void* address, std::span<const SlotIndex> slots,
                            typename P::Lock& lock, typename P::Sleeper& sleeper,
                            typename P::Stamp stamp, Event event, const MisuseReport<P>& misuse) {
  // --- Types ---
  // Page: names a page of the big memory; trivially copyable, comparable with ==, Page{} is no
  // page.
  requires std::equality_comparable<typename P::Page>;
  // Atomic<T>: std::atomic<T>, or a type with its interface that a test schedules.
  typename P::template Atomic<std::uint32_t>;
  // Stamp: who and when, for holder reports; trivially copyable, at most a machine word, read by
  // stamp().
  requires sizeof(typename P::Stamp) <= sizeof(void*);

  // --- Constants ---
  // The most slots that a window of this platform has, at most 65,534.
  { P::kMaxSlots } -> std::convertible_to<std::size_t>;
  // The most CPUs. 1 or more.
  { P::kMaxCpus } -> std::convertible_to<std::size_t>;
  // Whether the hardware sets a PTE's Accessed bit before any TLB may hold the translation (Intel
  // SDM vol. 3A, 4.10.2.3 says so for x86). Only then may a flush be left out.
  { P::kHardwareSetsAccessed } -> std::convertible_to<bool>;
  // Whether to check for misuse on the fast paths too (a debug build).
  { P::kChecked } -> std::convertible_to<bool>;
  // Whether to unmap a page as soon as nobody holds it, so that a use after kunmap faults (a debug
  // build, slow). Only where kChecked is true too.
  { P::kStrict } -> std::convertible_to<bool>;
  requires P::kChecked || !P::kStrict;

  // --- The big memory ---
  // Whether the page needs the window. Any context.
  { p.is_high(page) } -> std::same_as<bool>;
  // The permanent address of a page that does not. Any context.
  { p.direct_address(page) } -> std::same_as<void*>;
  // Where an address that direct_address() may have returned is told from others. Any context.
  { constant.is_direct(address) } -> std::same_as<bool>;
  // page->virtual: the cell that says which slot maps the page; 0 when none does. Any context.
  { p.page_virtual(page) } -> std::same_as<typename P::template Atomic<std::uint32_t>&>;

  // --- The window ---
  // The address of a slot: pages in the order of the slots, P::kPageSize apart. Any context.
  { constant.address(slot) } -> std::same_as<void*>;
  { P::kPageSize } -> std::convertible_to<std::size_t>;
  // Makes the slot map the page. The slot is clean: its PTE is empty and no TLB holds an old one,
  // so nothing is flushed. Interrupts off; must not sleep.
  { p.write_pte(slot, page) } -> std::same_as<void>;
  // Empties the slot's PTE by an atomic exchange and says whether its Accessed bit was set (true
  // where the hardware sets none). Flushes nothing. Interrupts off; must not sleep.
  { p.take_pte(slot) } -> std::same_as<bool>;
  // Drops the slots' translations from every TLB that may hold them, and returns when that is done.
  // 1 to kLargestBatch slots; all were emptied by take_pte() and had their Accessed bit set.
  // Interrupts on, no lock held.
  { p.invalidate(slots) } -> std::same_as<void>;

  // --- The CPU ---
  // This CPU's number, below kMaxCpus. A hint: the caller may migrate at once. Any context.
  { p.cpu() } -> std::same_as<std::uint32_t>;
  // Whether the caller may sleep: not in an interrupt, not with preemption off, no spinlock held.
  { p.may_sleep() } -> std::same_as<bool>;
  // Whether the caller may wait for other CPUs (a flush, a change in progress there): interrupts
  // are on and no spinlock is held.
  { p.may_flush() } -> std::same_as<bool>;
  // One turn of a waiting loop: PAUSE, or a yield where threads may be descheduled. Any context.
  { p.relax() } -> std::same_as<void>;
  // While an InterruptsOff lives, this CPU runs nothing else. Nests.
  requires std::constructible_from<typename P::InterruptsOff, P&>;

  // --- Sleeping ---
  // Lock: lock() and unlock(); safe in interrupts (interrupts are off while it is held).
  // Default-made, it is open. Sleeper: what one sleeping thread is woken through; made by that
  // thread, on its stack.
  { lock.lock() } -> std::same_as<void>;
  { lock.unlock() } -> std::same_as<void>;
  requires std::constructible_from<typename P::Sleeper, P&>;
  // Releases the lock, sleeps until wake() of this sleeper or until now() reaches the deadline
  // (UINT64_MAX: never), takes the lock again. A wake() between the release and the sleep is not
  // lost; waking for no reason is allowed. Called with the lock held.
  { p.sleep(lock, sleeper, std::uint64_t{}) } -> std::same_as<void>;
  // Wakes the sleeper. Called with the lock held; the sleeper may be gone once it is released.
  { p.wake(sleeper) } -> std::same_as<void>;

  // --- Being watched ---
  // Who and when. A few instructions: it is read on every hit.
  { p.stamp() } -> std::same_as<typename P::Stamp>;
  // Whether two stamps name the same holder, and how many nanoseconds old a stamp is. For reports.
  { p.same_holder(stamp, stamp) } -> std::same_as<bool>;
  { p.age_ns(stamp) } -> std::same_as<std::uint64_t>;
  // Nanoseconds since some fixed moment. Called on slow paths only.
  { p.now() } -> std::same_as<std::uint64_t>;
  // Adds one, or n, to this CPU's counter: no lock, no atomic needed; and the sum over all CPUs.
  { p.count(event) } -> std::same_as<void>;
  { p.count(event, std::uint64_t{}) } -> std::same_as<void>;
  { p.counted(event) } -> std::same_as<std::uint64_t>;
  // Reports a misuse, or a notice: is_notice() tells which. A misuse may end the calling thread and
  // not return; if it returns, the core goes on with the misuse undone. A notice must return; it
  // may come with interrupts off and a lock of the core held.
  { p.report(misuse) } -> std::same_as<void>;
};

/// Whether a cell that page_virtual() returned may be given to another page while a thread looks at
/// it, as in a hash table of cells. A platform that has a constant kCellsChangeHands says so; for
/// others it is false. Where it is true, P::Atomic<P::Page> has is(page, order): load(order) ==
/// page.
template <class P>
inline constexpr bool kCellsChangeHands = [] {
  if constexpr (requires { P::kCellsChangeHands; }) return bool{P::kCellsChangeHands};
  return false;
}();

/// Whether all three kinds of cells change without a lock. A lock inside an atomic would be taken
/// in interrupts, too, and would come from a library. Of an Atomic that a test schedules nobody
/// asks.
template <class P>
inline constexpr bool kAtomicsAreLockFree = [] {
  constexpr auto kIsLockFree = []<class A>(const A*) {
    if constexpr (requires { A::is_always_lock_free; }) return bool{A::is_always_lock_free};
    return true;
  };
  using Number = typename P::template Atomic<std::uint32_t>;
  using Page = typename P::template Atomic<typename P::Page>;
  using Stamp = typename P::template Atomic<typename P::Stamp>;
  return kIsLockFree(static_cast<const Number*>(nullptr)) &&
         kIsLockFree(static_cast<const Page*>(nullptr)) &&
         kIsLockFree(static_cast<const Stamp*>(nullptr));
}();

// A platform may have note_hit(P::Atomic<P::Stamp>& holder), which a hit calls instead of storing
// stamp() there and of count(Event::hit), where both together cost less.

/// What a platform has to be for kmap_local. Each CPU has kLocalDepth slots of its own, in a
/// row. Nobody else uses them, so that none of this is atomic.
template <class P>
concept LocalPlatform = Platform<P> &&
    requires(P p, const P constant, typename P::Page page, LocalSlot slot, typename P::LocalPte pte,
             const void* address, const void*& call_site) {
  // LocalPte: the value of an entry; trivially copyable. LocalStack: a LocalStack of those.
  typename P::LocalPte;
  // That of the running thread; in an interrupt, of the thread that was interrupted. Any
  // context.
  { p.local_stack() } -> std::same_as<typename P::LocalStack&>;
  // The first slot of this CPU. Called where the thread stays on it. Any context.
  { p.first_local_slot() } -> std::same_as<LocalSlot>;
  // The address of a slot. Any context.
  { constant.local_address(slot) } -> std::same_as<void*>;
  // Whether an address is a local slot's, and not null or a low page's: for what kmap_local() may
  // have returned. Any context.
  { constant.is_local(address) } -> std::same_as<bool>;
  // Makes the slot map the page. Its entry is empty and not in this CPU's TLB. An interrupt
  // may come at any time, and a context switch that keeps what has been written so far.
  { p.write_local_pte(slot, page) } -> std::same_as<void>;
  // Empties the entry and drops it from this CPU's TLB.
  { p.clear_local_pte(slot) } -> std::same_as<void>;
  // The same, and says all that the entry held, even where it maps nothing. Interrupts off.
  { p.take_local_pte(slot) } -> std::same_as<typename P::LocalPte>;
  // Fills an entry with what was taken. It is empty and not in this CPU's TLB. Interrupts off.
  { p.put_local_pte(slot, pte) } -> std::same_as<void>;
  // The page that the entry maps, or Page{}. For reports.
  { p.local_page(slot) } -> std::same_as<typename P::Page>;
  // Stores an address in the code that calls kmap_local, for reports. Inlined into it: one
  // instruction at best.
  { p.note_call_site(call_site) } -> std::same_as<void>;
};

/// A page of the vmap range, counted from 0.
enum class VmapPage : std::uint32_t {};
[[nodiscard]] constexpr std::uint32_t to_number(VmapPage page) {
  return static_cast<std::uint32_t>(page);
}

/// What a platform has to be for vmap.
template <class P>
concept VmapPlatform = Platform<P> &&
    requires(P p, const P constant, typename P::Page page, VmapPage at) {
  // The most pages that a vmap range of this platform has.
  { P::kMaxVmapPages } -> std::convertible_to<std::size_t>;
  // The address of a page of the range: one behind the other, P::kPageSize apart. Any context.
  { constant.vmap_address(at) } -> std::same_as<void*>;
  // Makes it map a page. Its PTE is empty and no TLB holds an old one. Any context.
  { p.write_vmap_pte(at, page) } -> std::same_as<void>;
  // Empties its PTE by an atomic exchange and says whether its Accessed bit was set (true where the
  // hardware sets none). Flushes nothing. Any context.
  { p.take_vmap_pte(at) } -> std::same_as<bool>;
  // Drops the translations of the whole range from every TLB, and returns when that is done.
  // Interrupts on, no lock held.
  { p.flush_vmap() } -> std::same_as<void>;
};

}  // namespace kmapper
