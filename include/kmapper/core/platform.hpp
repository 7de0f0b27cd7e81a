// The seam: everything that the core asks of its platform. Porting kmapper means writing one class
// that satisfies Platform below, and nothing else. The core keeps the platform by value: make it an
// empty class (a kernel) or a pointer to your state (a process, a test).
//
// Each comment says from where the core calls the function: "Any context", "Interrupts off" and so
// on. On a platform without interrupts, "Interrupts off" has no meaning.
//
// Platform is what kmap needs (mapper.hpp). LocalPlatform, VmapPlatform and VmallocPlatform are
// what kmap_local, vmap and vmalloc need beyond that (local_map.hpp, vmap.hpp).
//
// Longer than usual: it holds all that a port has to provide.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/library.hpp"
#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/posted_flushes.hpp"
#include "kmapper/core/remember.hpp"
#include "kmapper/core/report.hpp"
#include "kmapper/core/slot.hpp"

namespace kmapper {

/// The most slots that the core passes to one invalidate().
inline constexpr size_t kLargestBatch = 31;

/// What the core counts, on the CPU where it happens.
enum class Event : uint8_t {
  hit,             // kmap found the page mapped
  miss,            // kmap mapped the page
  scavenge,        // a batch of idle slots was taken back
  slot_scavenged,  // one slot of a batch, or one that a miss took whose flush is posted
  flush,           // one invalidate(), or one post
  flush_avoided,   // no CPU had accessed the slots, so no TLB holds them: nothing was flushed
  slot_dropped,    // after a post, its CPU dropped one slot instead of its whole TLB
  sleep,           // a kmap that slept
  kCount,
};

/// What a platform has to be to post its flushes, in place of invalidate(). Its CPUs come by: each
/// calls drop() of the PostedFlushes at each timer tick, in the interrupt of call(), and wherever
/// it drops its whole TLB anyway. Each calls leave_long_idle() when it starts, enter_idle() before
/// it halts, and leave_idle() before it does anything else after that. At most 16 CPUs; each page
/// keeps its cell (no kFindsSlots). docs/POSTED_FLUSHES.md says when it
/// pays.
template <class P>
concept PostingPlatform = requires(P p, SlotIndex slot, uint32_t cpus) {
  // The posts of this machine: a PostedFlushes<P::kMaxCpus, P::Atomic>, zero at first. Any context.
  p.posted_flushes().post();
  // Drops a slot from this CPU's TLB. Interrupts off; must not sleep.
  { p.drop(slot) } -> SameAs<void>;
  // Drops everything from this CPU's TLB. Interrupts off; must not sleep.
  { p.drop_all() } -> SameAs<void>;
  // Interrupts these CPUs, a bit each, and returns when each of them has called drop() of the
  // PostedFlushes, or idles. The caller's CPU may be one of them: it calls drop() itself.
  // Interrupts on, no lock held. Several CPUs may call it at once, and answer each other while they
  // wait.
  { p.call(cpus) } -> SameAs<void>;
};

/// Whether the platform keeps no cell for each page, and finds a page's slot among those in use
/// instead, as by a hash table. True only for a platform that has a true constant kFindsSlots.
///
/// Its page_virtual() returns, by value, an object with three functions of Atomic, and one more.
/// load(): the value of page_virtual::found() for the slot that was stored for the page, or 0;
/// while slots change hands it may be wrong: name no slot, or another slot, whose word then makes a
/// swap fail. load_surely(): the same, and never wrong. store(0): forgets the slot.
/// compare_exchange_strong(): if no slot is stored for the page, stores the one that `desired`
/// names; always strong, acquire and release. Each page then is in at most one slot, because a page
/// keeps its slot until the slot's flush has been made. (Other platforms clear the cell before the
/// flush.) So a page that is being taken back is not mapped anew before that is over, and a flush
/// may take long; threads that want the page call relax() meanwhile. Any caller may flush:
/// may_flush() is always true. P::Atomic<P::Page> has is(page, order): load(order) == page.
template <class P>
inline constexpr bool kFindsSlots = [] {
  if constexpr (requires { P::kFindsSlots; }) return bool{P::kFindsSlots};
  return false;
}();

/// What a platform has to be. `constant` stands for a platform that the core only reads.
template <class P>
concept Platform = requires(P p, const P constant, typename P::Page page, SlotIndex slot,
                            const void* address, Span<const SlotIndex> slots,
                            typename P::Lock& lock, typename P::Sleeper& sleeper,
                            typename P::Stamp stamp, Event event, const MisuseReport<P>& misuse) {
  // --- Types ---
  // Page: names a page of the big memory; trivially copyable, comparable with ==. Page{} is no
  // page.
  {
    page == typename P::Page {}
    } -> SameAs<bool>;
  // Atomic<T>: kmapper::Atomic<T> (atomic.hpp), or a type with its interface, such as std::atomic.
  typename P::template Atomic<uint32_t>;
  // Stamp: a holder and a time, for reports; trivially copyable, at most a machine word. stamp()
  // reads it.
  requires sizeof(typename P::Stamp) <= sizeof(void*);

  // --- Constants ---
  // SlotWord (optional): the type of a slot's word and of a page's cell: uint32_t, which is the
  // default, or uint64_t (slot.hpp).
  // The most slots that a window of this platform has: with words of 32 bits at most 65,534, with
  // words of 64 bits at most 2^32 - 2.
  size_t{P::kMaxSlots};
  // The most CPUs: 1 or more.
  size_t{P::kMaxCpus};
  // kRemembers (optional): whether the window remembers pages that lost their slots (remember.hpp).
  // Then: a hash of the page, well mixed. Any context.
  requires !kRemembers<P> || requires {
    { p.hash(page) } -> SameAs<uint64_t>;
  };
  // Whether the hardware sets a PTE's Accessed bit before any TLB may hold the translation (Intel
  // SDM vol. 3A, 4.8 and 4.10.2.3 say so for x86). Only then may a flush be left out.
  bool{P::kHardwareSetsAccessed};
  // Whether to check for misuse on the fast paths too (a debug build).
  bool{P::kChecked};
  // Whether to unmap a page as soon as it has no user, so that a use after kunmap faults (a debug
  // build, slow). Only where kChecked is true too.
  bool{P::kStrict};
  requires P::kChecked || !P::kStrict;

  // --- The big memory ---
  // Whether the page needs the window. Any context.
  { p.is_high(page) } -> SameAs<bool>;
  // The permanent address of a page that needs no window. Any context.
  { p.direct_address(page) } -> SameAs<void*>;
  // Whether direct_address() may have returned this address. Any context.
  { constant.is_direct(address) } -> SameAs<bool>;
  // page->virtual: the page's cell. 0 at first; then only the core writes it. It names the slot
  // that maps the page. Any context.
  requires kFindsSlots<P> || requires {
    { p.page_virtual(page) } -> SameAs<typename P::template Atomic<SlotWordOf<P>>&>;
  };

  // --- The window ---
  // The address of a slot. Slots lie in order, P::kPageSize apart. Any context.
  { constant.address(slot) } -> SameAs<void*>;
  size_t{P::kPageSize};
  // Makes the slot map the page. The slot is clean: its PTE is empty and no TLB holds an old
  // translation, so nothing is flushed. Interrupts off; must not sleep.
  { p.write_pte(slot, page) } -> SameAs<void>;
  // Empties the slot's PTE by an atomic exchange and says whether its Accessed bit was set (true
  // where the hardware sets none). Flushes nothing. Interrupts off; must not sleep.
  { p.take_pte(slot) } -> SameAs<bool>;
  // Drops the slots' translations from every TLB that may hold them, and returns when that is done.
  // 1 to kLargestBatch slots; take_pte() has emptied all of them and found their Accessed bit set.
  // Interrupts on, no lock held. A platform that posts its flushes needs no such function.
  requires PostingPlatform<P> || requires {
    { p.invalidate(slots) } -> SameAs<void>;
  };

  // --- The CPU ---
  // This CPU's number, below kMaxCpus. A hint: the caller may migrate at any time. Any context.
  { p.cpu() } -> SameAs<uint32_t>;
  // Whether the caller may sleep: not in an interrupt, interrupts and preemption on, no spinlock
  // held.
  { p.may_sleep() } -> SameAs<bool>;
  // Whether the caller may wait for other CPUs (a flush, or a change in progress there): interrupts
  // are on and no spinlock is held.
  { p.may_flush() } -> SameAs<bool>;
  // One turn of a waiting loop: PAUSE, or a yield where threads may be descheduled. Any context.
  { p.relax() } -> SameAs<void>;
  // While an InterruptsOff lives, this CPU runs nothing but its owner. Nests.
  requires __is_constructible(typename P::InterruptsOff, P&);

  // --- Sleeping ---
  // Lock: lock() and unlock(). Usable in interrupts: interrupts are off while it is held. A
  // default-made Lock is unlocked.
  // Sleeper: wakes one sleeping thread. The thread makes it, on its own stack.
  { lock.lock() } -> SameAs<void>;
  { lock.unlock() } -> SameAs<void>;
  requires __is_constructible(typename P::Sleeper, P&);
  // Releases the lock, sleeps until wake() of this sleeper or until now() reaches the deadline
  // (UINT64_MAX: never), and takes the lock again. A wake() between the release and the sleep must
  // not be lost; waking for no reason is allowed. Called with the lock held.
  { p.sleep(lock, sleeper, uint64_t{}) } -> SameAs<void>;
  // Wakes the sleeper. Called with the lock held; once the lock is released, the sleeper may no
  // longer exist.
  { p.wake(sleeper) } -> SameAs<void>;

  // --- Reports and counters ---
  // The running holder and the time. Must cost only a few instructions: every hit reads it.
  { p.stamp() } -> SameAs<typename P::Stamp>;
  // Whether two stamps name the same holder, and a stamp's age in nanoseconds. For reports.
  { p.same_holder(stamp, stamp) } -> SameAs<bool>;
  { p.age_ns(stamp) } -> SameAs<uint64_t>;
  // Nanoseconds since some fixed moment. Called on slow paths only.
  { p.now() } -> SameAs<uint64_t>;
  // Adds one, or n, to this CPU's counter, without a lock or an atomic operation; and the sum over
  // all CPUs.
  { p.count(event) } -> SameAs<void>;
  { p.count(event, uint64_t{}) } -> SameAs<void>;
  { p.counted(event) } -> SameAs<uint64_t>;
  // Reports a misuse or a notice; is_notice() tells which. For a misuse, it may end the calling
  // thread and not return. If it returns, the core goes on as if the misuse had not happened. For a
  // notice, it must return, and it may be called with interrupts off and a lock of the core held.
  { p.report(misuse) } -> SameAs<void>;
};

/// Whether all kinds of cells change without a lock. A lock inside an atomic would be taken
/// in interrupts too, and would need a library. An Atomic without is_always_lock_free, such as one
/// that a test schedules, passes.
template <class P>
inline constexpr bool kAtomicsAreLockFree = [] {
  constexpr auto kIsLockFree = []<class A>(const A*) {
    if constexpr (requires { A::is_always_lock_free; }) return bool{A::is_always_lock_free};
    return true;
  };
  using Number = typename P::template Atomic<uint32_t>;
  using Word = typename P::template Atomic<SlotWordOf<P>>;
  using Page = typename P::template Atomic<typename P::Page>;
  using Stamp = typename P::template Atomic<typename P::Stamp>;
  return kIsLockFree(static_cast<const Number*>(nullptr)) &&
         kIsLockFree(static_cast<const Word*>(nullptr)) &&
         kIsLockFree(static_cast<const Page*>(nullptr)) &&
         kIsLockFree(static_cast<const Stamp*>(nullptr));
}();

// A platform may have note_hit(P::Atomic<P::Stamp>& holder), where it costs less than what a hit
// calls otherwise: a store of stamp() to `holder`, and count(Event::hit).

/// What a platform has to be for kmap_local. Each CPU has kLocalDepth slots of its own, in a row.
/// No other CPU uses them, so nothing here is atomic.
template <class P>
concept LocalPlatform = Platform<P> &&
    requires(P p, const P constant, typename P::Page page, LocalSlot slot, typename P::LocalPte pte,
             const void* address, const void*& call_site) {
  // LocalPte: the value of an entry; trivially copyable. LocalStack: kmapper::LocalStack of
  // LocalPtes.
  typename P::LocalPte;
  // The stack of the running thread; in an interrupt, of the interrupted thread. Any context.
  { p.local_stack() } -> SameAs<typename P::LocalStack&>;
  // The first slot of this CPU. Called where the thread cannot migrate. Any context.
  { p.first_local_slot() } -> SameAs<LocalSlot>;
  // The address of a slot. Any context.
  { constant.local_address(slot) } -> SameAs<void*>;
  // Whether an address that kmap_local() may have returned is a local slot's, not null and not a
  // low page's. Any context.
  { constant.is_local(address) } -> SameAs<bool>;
  // Makes the slot map the page. Its entry is empty and not in this CPU's TLB. An interrupt may
  // come at any time, and so may a context switch, by which the entry stays as far as it is
  // written.
  { p.write_local_pte(slot, page) } -> SameAs<void>;
  // Empties the entry and drops it from this CPU's TLB.
  { p.clear_local_pte(slot) } -> SameAs<void>;
  // The same, and returns all that the entry held, even where it maps nothing. Interrupts off.
  { p.take_local_pte(slot) } -> SameAs<typename P::LocalPte>;
  // Writes back an entry that take_local_pte() returned. The entry is empty and not in this CPU's
  // TLB. Interrupts off.
  { p.put_local_pte(slot, pte) } -> SameAs<void>;
  // The page that the entry maps, or Page{}. For reports.
  { p.local_page(slot) } -> SameAs<typename P::Page>;
  // Stores an address in the code that calls kmap_local, for reports. It is inlined into that code;
  // at best it is one instruction.
  { p.note_call_site(call_site) } -> SameAs<void>;
};

/// A page of the vmap range, counted from 0.
enum class VmapPage : uint32_t {};
[[nodiscard]] constexpr uint32_t to_number(VmapPage page) { return static_cast<uint32_t>(page); }

/// What a platform has to be for vmap.
template <class P>
concept VmapPlatform = Platform<P> &&
    requires(P p, const P constant, typename P::Page page, VmapPage at) {
  // The most pages that a vmap range of this platform has.
  size_t{P::kMaxVmapPages};
  // The address of a page of the range. Pages lie in order, P::kPageSize apart. Any context.
  { constant.vmap_address(at) } -> SameAs<void*>;
  // Makes the page of the range map a page. Its PTE is empty and no TLB holds an old translation.
  // Any context.
  { p.write_vmap_pte(at, page) } -> SameAs<void>;
  // Empties its PTE by an atomic exchange and says whether its Accessed bit was set (true where the
  // hardware sets none). Flushes nothing. Any context.
  { p.take_vmap_pte(at) } -> SameAs<bool>;
  // Drops the translations of the whole range from every TLB, and returns when that is done.
  // Interrupts on, no lock held.
  { p.flush_vmap() } -> SameAs<void>;
};

/// What a platform has to be for vmalloc.
template <class P>
concept VmallocPlatform = VmapPlatform<P> && requires(P p, typename P::Page page, VmapPage at) {
  // A page of memory, high if there is one, that no window and no range maps; Page{}: none is free.
  // Any context; must not sleep.
  { p.alloc_page() } -> SameAs<typename P::Page>;
  // Gives it back. No PTE and no TLB of the range has it. Must return, also when the page cannot be
  // freed because a user still has it mapped elsewhere: the caller may free other threads' memory.
  // Interrupts on, no lock held.
  { p.free_page(page) } -> SameAs<void>;
  // Makes the PTE map nothing, by one atomic operation, and lets it remember its page; says whether
  // its Accessed bit was set (true where the hardware sets none). Flushes nothing. Any context.
  { p.hide_vmap_pte(at) } -> SameAs<bool>;
  // The page that hide_vmap_pte() left there, or Page{}; empties the PTE. Any context.
  { p.take_hidden_page(at) } -> SameAs<typename P::Page>;
};

}  // namespace kmapper
