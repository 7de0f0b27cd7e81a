/* kmapper for kernels written in C (C99 and later): the core, include/kmapper/core, with a face of
 * C. docs/PORTING.md says in the order of work how to bring it into a kernel. In short:
 *
 * 1. Copy kernel* and the folder core/ to a place where "kmapper/kernel.h" finds them.
 * 2. Write kmapper_port.h, the platform: part 1 of this file says what it has to declare. kernel.h
 *    includes it, and so does the core: C and C++ compilers read it. Static inline functions in it
 *    cost no call.
 * 3. Compile kmapper/kernel.cpp, the only file in C++, with the flags of kmapper/kernel.flags
 *    (c++ @kmapper/kernel.flags), those of your CPU, and those by which your C calls functions and
 *    lays out structures (such as -mregparm), and link it with the kernel. It needs no library but
 *    memcpy, memmove, memset and memcmp. Only the functions of this file have external linkage. All
 *    of it lies in .text, .rodata, .data and .bss.
 * 4. Call kmapper_open() once at boot.
 *
 * C++ has the same as templates: each comment in kmapper/core/mapper.hpp holds here, too.
 *
 * "Any context" includes interrupts off, a spinlock held, and an interrupt handler.
 *
 * Longer than usual: a C kernel includes one header.
 */
#ifndef KMAPPER_KERNEL_H
#define KMAPPER_KERNEL_H

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kmapper/kernel_types.h"

/* 1: a checked build (docs/MISUSE.md), the same for all files of the kernel and for kernel.cpp: a
 * file with inline hits does not link with a checked kernel.cpp (undefined kmapper_slow_exit). */
#ifndef KMAPPER_CHECKED
#define KMAPPER_CHECKED 0
#endif

/* On i386, arguments come in registers, whatever convention the kernel has. Not inlined by LTO
 * either: reports look for the calling code by the return address. */
#ifdef __i386__
#define KMAPPER_CALL __attribute__((regparm(3), noinline))
#else
#define KMAPPER_CALL __attribute__((noinline))
#endif

/* Always inline, so that reports name the calling code. */
#define KMAPPER_INLINE static inline __attribute__((always_inline))

#ifdef __cplusplus
extern "C" {
#endif

/* --- 1. What kmapper_port.h declares -------------------------------------------------------------
 *
 * Types:
 *   kmapper_page      names a page of memory; a pointer to its descriptor, or a page frame number
 *                     other than 0. 0 is no page
 *   kmapper_lock      a spinlock, unlocked when zero. It may be taken in interrupts: interrupts are
 *                     off while it is held
 *   kmapper_sleeper   wakes one sleeping thread. Lies on its stack. A kernel whose threads sleep on
 *                     channels uses its address as the channel, and keeps one flag in it
 *
 * Constants, by #define:
 *   KMAPPER_MAX_SLOTS                 the most slots of the window, up to 65,534. Each takes 72
 *                                     bytes of .bss (96 where flushes are posted)
 *   KMAPPER_MAX_CPUS                  1 or more; up to 16 where flushes are posted
 *   KMAPPER_PAGE_SIZE                 bytes that one slot maps
 *   KMAPPER_HARDWARE_SETS_ACCESSED    1 only if the hardware sets a PTE's Accessed bit before a TLB
 *                                     may hold the translation, as x86 does; else 0
 *
 * Functions, inline or not, or macros. They cannot call what this file declares further down.
 * kernel.cpp reads a macro's text inside a class whose functions have these names without
 * kmapper_port_: where the kernel has a relax() or now() of its own, write a function. The comment
 * says what kmapper expects; "any context" where it says nothing else.
 *
 * The memory:
 *   bool kmapper_port_is_high(kmapper_page)                whether the page needs the window
 *   void* kmapper_port_direct_address(kmapper_page)        the permanent address of one that does
 *                                                          not
 *   bool kmapper_port_is_direct(const void*)               whether an address is such a one
 *   kmapper_cell* kmapper_port_cell(kmapper_page)          the page's cell, always the same
 * The window:
 *   void* kmapper_port_address(uint32_t slot)              slots lie in a row, a page apart
 *   void kmapper_port_write_pte(uint32_t slot, kmapper_page)
 *         the slot is empty and in no TLB. On return a page walk of any CPU finds the page. Leave
 *         Accessed clear where the hardware sets it. Interrupts off
 *   bool kmapper_port_take_pte(uint32_t slot)
 *         empties the PTE by one atomic exchange; returns whether Accessed was set (true where the
 *         hardware sets none). Flushes nothing. Interrupts off
 *   void kmapper_port_invalidate(const uint32_t* slots, uint32_t count)
 *         drops 1 to 31 slots from the TLBs of all CPUs, and returns when that is done. Interrupts
 *         on, no lock held. Not needed where flushes are posted
 * The CPU:
 *   uint32_t kmapper_port_cpu(void)                        this CPU's number, from 0
 *   bool kmapper_port_may_sleep(void)                      no interrupt handler, interrupts and
 *                                                          preemption on, no spinlock held; false
 *                                                          where there is no thread yet
 *   bool kmapper_port_may_flush(void)                      interrupts on, no spinlock held
 *   void kmapper_port_relax(void)                          one turn of a waiting loop: PAUSE
 *   uintptr_t kmapper_port_interrupts_off(void)            off; returns the state before
 *   void kmapper_port_interrupts_restore(uintptr_t)        back to that state
 * Sleeping:
 *   void kmapper_port_lock(kmapper_lock*)
 *   void kmapper_port_unlock(kmapper_lock*)                restores the interrupts' state
 *   void kmapper_port_init_sleeper(kmapper_sleeper*)       for the running thread, which may sleep
 *   void kmapper_port_sleep(kmapper_lock*, kmapper_sleeper*, uint64_t deadline_ns)
 *         releases the lock, sleeps until wake() or until now() reaches the deadline, takes the
 *         lock. A wake between the release and the sleep must not be lost
 *   void kmapper_port_wake(kmapper_sleeper*)               the lock is held
 *   uint64_t kmapper_port_now(void)                        nanoseconds, never back
 * Reports:
 *   uintptr_t kmapper_port_stamp(void)                     the running thread, and a time if there
 *                                                          is room. Every hit calls it
 *   bool kmapper_port_same_holder(uintptr_t, uintptr_t)    whether two stamps are of one thread
 *   uint64_t kmapper_port_age_ns(uintptr_t)                0 where a stamp has no time
 *   void kmapper_port_report(const struct kmapper_report*) shows a report to a person
 *
 * For local mappings (Linux's kmap_local), #define KMAPPER_LOCAL, and:
 *   kmapper_local_stack* kmapper_port_local_stack(void)    of the running thread; in an interrupt,
 *                                                          of the interrupted one
 *   uint32_t kmapper_port_first_local_slot(void)           of this CPU: each has 32 in a row
 *   void* kmapper_port_local_address(uint32_t slot)        leave a page between two slots that is
 *                                                          never mapped
 *   bool kmapper_port_is_local(const void*)                whether an address is a local slot's
 *   void kmapper_port_write_local_pte(uint32_t slot, kmapper_page)
 *   uint64_t kmapper_port_take_local_pte(uint32_t slot)    empties it, drops it from this CPU's
 *                                                          TLB, and returns all that it held
 *   void kmapper_port_put_local_pte(uint32_t slot, uint64_t pte)
 *   kmapper_page kmapper_port_local_page(uint32_t slot)    the page that it maps; 0: none
 *
 * For vmap, #define KMAPPER_MAX_VMAP_PAGES, the most pages of the range, and:
 *   void* kmapper_port_vmap_address(uint32_t page)         pages lie in a row
 *   void kmapper_port_write_vmap_pte(uint32_t page, kmapper_page)
 *   bool kmapper_port_take_vmap_pte(uint32_t page)         as take_pte
 *   void kmapper_port_flush_vmap(void)                     the whole range, all CPUs, and waits.
 *                                                          Interrupts on, no lock held
 *
 * For vmalloc, #define KMAPPER_VMALLOC, and:
 *   kmapper_page kmapper_port_alloc_page(void)             high if there is one; 0: none is free
 *   void kmapper_port_free_page(kmapper_page)              interrupts on, no lock held
 *   bool kmapper_port_hide_vmap_pte(uint32_t page)         clears Present and keeps the page;
 *                                                          returns whether Accessed was set
 *   kmapper_page kmapper_port_take_hidden_page(uint32_t)   the page of a hidden PTE, and empties
 *                                                          it; 0 for every other
 *
 * For posted flushes in place of invalidate, #define KMAPPER_POSTED_FLUSHES, and:
 *   void kmapper_port_drop(uint32_t slot)                  from this CPU's TLB. Interrupts off
 *   void kmapper_port_drop_all(void)                       this CPU's whole TLB. Interrupts off
 *   void kmapper_port_call(uint32_t cpus)                  interrupts these CPUs, a bit each, and
 *                                                          returns when each has called
 *                                                          kmapper_come_by() or idles. Calls it for
 *                                                          the caller's CPU. Interrupts on, no lock
 *                                                          held
 */

#include "kmapper_port.h"

#if defined(KMAPPER_VMALLOC) && !defined(KMAPPER_MAX_VMAP_PAGES)
#error "KMAPPER_VMALLOC needs KMAPPER_MAX_VMAP_PAGES: its areas lie in the vmap range"
#endif
#if defined(KMAPPER_STRICT) && KMAPPER_STRICT && !KMAPPER_CHECKED
#error "KMAPPER_STRICT=1 needs KMAPPER_CHECKED=1"
#endif

/* --- 2. One page --------------------------------------------------------------------------------
 */

typedef enum kmapper_error {
  KMAPPER_DONE,
  KMAPPER_WOULD_SLEEP,    /* no slot is free, and the caller may not sleep */
  KMAPPER_TIMED_OUT,      /* no slot went idle in time */
  KMAPPER_CANCELLED,      /* not of C's calls */
  KMAPPER_TOO_MANY_USERS, /* the page is pinned as often as can be counted */
  KMAPPER_TOO_LARGE,      /* more than the window or the vmap range has, or it is not open */
  KMAPPER_HOLDS_A_PIN,    /* the caller could wait for itself (checked builds) */
  KMAPPER_SPENT,          /* the reservation has no slot left */
  KMAPPER_NO_ROOM,        /* no run of so many pages is free (vmap) */
  KMAPPER_NO_MEMORY       /* not so many pages of memory are free (vmalloc) */
} kmapper_error;
/* The error in one line. */
KMAPPER_CALL const char* kmapper_error_text(kmapper_error error);

/* A time that means no limit. */
#define KMAPPER_NO_LIMIT UINT64_MAX

/* Opens the window with `slots` slots, 1 to KMAPPER_MAX_SLOTS. Once, before any other call, while
 * the window's PTEs are empty. */
KMAPPER_CALL void kmapper_open(uint32_t slots);

/* Maps the page; its address is valid on every CPU and in every thread until the matching kunmap.
 * May sleep. Where the caller may not sleep, the call is reported and answered as by try_kmap. NULL
 * only after a report. (The seed's kmap.) */
KMAPPER_INLINE void* kmapper_kmap(kmapper_page page);
/* The same without the sleep. NULL: it would have to sleep. Any context. */
KMAPPER_INLINE void* kmapper_try_kmap(kmapper_page page);
/* Gives back what one kmap took. Any context. */
KMAPPER_INLINE void kmapper_kunmap(kmapper_page page);
/* The same for pages that are known to be high. */
KMAPPER_INLINE void* kmapper_kmap_high(kmapper_page page);
KMAPPER_INLINE void* kmapper_try_kmap_high(kmapper_page page);
KMAPPER_INLINE void kmapper_kunmap_high(kmapper_page page);
/* The same, of the page that the address lies in. Any context. */
KMAPPER_CALL void kmapper_kunmap_address(const void* address);
/* kmap of a page that is mapped already: never takes another slot. NULL: it is not. Any context. */
KMAPPER_CALL void* kmapper_kmap_if_mapped(kmapper_page page);
/* kmap that sleeps no longer than that. Stores the address, or NULL. Errors: TIMED_OUT,
 * TOO_MANY_USERS, WOULD_SLEEP and TOO_LARGE (both reported). */
KMAPPER_CALL kmapper_error kmapper_kmap_for(kmapper_page page, void** address,
                                            uint64_t nanoseconds);
/* Another thread will kunmap what the caller mapped: checked builds must know. */
KMAPPER_CALL void kmapper_hand_over(kmapper_page page);

/* --- 3. Several pages: a thread that holds several at once takes them by these ------------------
 */

struct kmapper_page_address {
  kmapper_page page;
  void* address;
};
/* Maps all of the pages, or none, and never sleeps while it holds some. Errors: as kmap_for, but
 * WOULD_SLEEP is not reported; HOLDS_A_PIN; TOO_LARGE, if there are more pages than slots. */
KMAPPER_CALL kmapper_error kmapper_kmap_all(struct kmapper_page_address* pages, uint32_t count,
                                            uint64_t nanoseconds);
KMAPPER_CALL void kmapper_kunmap_all(const struct kmapper_page_address* pages, uint32_t count);

/* Slots that the caller has claimed, for mappings that must not sleep. Empty when zero. */
struct kmapper_reservation {
  void* window;
  uint32_t first, left;
};
/* Claims `slots` slots, all or none. The reservation must be empty. May sleep. Errors: as kmap_all.
 */
KMAPPER_CALL kmapper_error kmapper_reserve(struct kmapper_reservation* reservation, uint32_t slots,
                                           uint64_t nanoseconds);
/* Maps the page without sleeping; kunmap it as usual. Uses up a slot unless the page is mapped
 * already. Errors: SPENT, TOO_MANY_USERS. */
KMAPPER_CALL kmapper_error kmapper_kmap_reserved(struct kmapper_reservation* reservation,
                                                 kmapper_page page, void** address);
/* Gives back the slots that are left. */
KMAPPER_CALL void kmapper_unreserve(struct kmapper_reservation* reservation);

/* --- 4. Taking mappings back --------------------------------------------------------------------
 */

typedef enum kmapper_evicted {
  KMAPPER_NOT_MAPPED,
  KMAPPER_TAKEN_BACK,
  KMAPPER_PINNED,    /* a user holds the mapping: nothing was done, nothing is reported */
  KMAPPER_FLUSH_OWED /* no PTE maps the page, but a TLB may: the caller may not flush */
} kmapper_evicted;
/* Call it before the page goes to its allocator. Any context, also before kmapper_open(); never
 * sleeps. */
KMAPPER_CALL kmapper_evicted kmapper_evict(kmapper_page page);
/* Returns when no TLB holds a page that had lost its slot before. Needs may_flush where a flush is
 * due. */
KMAPPER_CALL void kmapper_finish_flushes(void);
/* Takes every idle slot back. Returns how many there were. Needs may_flush. (The seed's function.)
 */
KMAPPER_CALL uint32_t kmapper_flush_all_zero_pkmaps(void);
/* Takes idle slots back until `slots` are clean: for idle CPUs. Needs may_flush. */
KMAPPER_CALL uint32_t kmapper_scavenge_ahead(uint32_t slots);

#ifdef KMAPPER_POSTED_FLUSHES
/* Where this kernel's CPUs come by. Interrupts off; `cpu` is the caller's. See PORTING.md. */
KMAPPER_CALL void kmapper_come_by(uint32_t cpu); /* the interrupt of call; any flush of the TLB */
/* The same, where the kernel drops this CPU's whole TLB by itself: calls drop(argument) for that.
 */
KMAPPER_CALL void kmapper_come_by_with(uint32_t cpu, void (*drop)(void* argument), void* argument);
/* Whether the CPU is so many posts behind: a timer tick that asks for 1 spares needless drops. */
KMAPPER_CALL bool kmapper_is_behind(uint32_t cpu, uint32_t posts);
/* Drops everything from all TLBs, and returns when that is done: kmapper_port_flush_vmap() may call
 * it. Interrupts on, no lock held. */
KMAPPER_CALL void kmapper_flush_everything(void);
KMAPPER_CALL void kmapper_enter_idle(uint32_t cpu);      /* before it halts */
KMAPPER_CALL void kmapper_leave_idle(uint32_t cpu);      /* first thing when it wakes */
KMAPPER_CALL void kmapper_leave_long_idle(uint32_t cpu); /* when it starts */
KMAPPER_CALL void kmapper_enter_user(uint32_t cpu);
KMAPPER_CALL void kmapper_leave_user(uint32_t cpu);
#endif

/* --- 5. Looking at the window -------------------------------------------------------------------
 */

/* Sums over all CPUs since open. A count may be lost where a thread migrates while it counts. */
struct kmapper_stats {
  uint64_t hits, misses, scavenges, slots_scavenged, flushes, flushes_avoided, sleeps;
  uint64_t longest_sleep_ns;
};
KMAPPER_CALL void kmapper_get_stats(struct kmapper_stats* stats);
/* Reports each mapping that has been held, or each thread that has slept for a slot, for longer
 * than that. Returns how many. */
KMAPPER_CALL uint32_t kmapper_report_holders(uint64_t nanoseconds);
KMAPPER_CALL uint32_t kmapper_report_waiters(uint64_t nanoseconds);
/* The slot that maps the page, or KMAPPER_NO_SLOT. */
KMAPPER_CALL uint32_t kmapper_find(kmapper_page page);
/* Releases the pins of a thread that was ended: those of this stamp's holder. Returns how many. Any
 * context. Only a checked build knows them; another releases none. */
KMAPPER_CALL uint32_t kmapper_release_pins(uintptr_t holder);

/* --- 6. Local mappings (kmapper/core/local_map.hpp) ---------------------------------------------
 */

#ifdef KMAPPER_LOCAL
/* Maps the page for this thread or interrupt, on this CPU; last mapped, first unmapped. Never
 * sleeps. For short accesses: zeroing, copying. Any context. NULL only after a report. */
KMAPPER_CALL void* kmapper_kmap_local(kmapper_page page);
KMAPPER_CALL void kmapper_kunmap_local(const void* address);
/* At each context switch, interrupts off, on the CPU in question. */
KMAPPER_CALL void kmapper_switch_stacks(kmapper_local_stack* from, kmapper_local_stack* to);
/* Whether the thread may move to another CPU, while it does not run. */
KMAPPER_INLINE bool kmapper_may_migrate(const kmapper_local_stack* stack) {
  return stack->depth == 0;
}
/* How many mappings the running thread and the interrupts on it hold. */
KMAPPER_CALL uint32_t kmapper_local_depth(void);
/* A thread or handler ends: reports and drops what it left mapped above `depth`. */
KMAPPER_CALL void kmapper_expect_local_depth(uint32_t depth);
/* The same without a report, as after a fault. Returns how many it dropped. */
KMAPPER_CALL uint32_t kmapper_unwind_local(uint32_t depth);
#endif

/* --- 7. Several pages in a row (kmapper/core/vmap.hpp, vmalloc.hpp) -----------------------------
 */

#ifdef KMAPPER_MAX_VMAP_PAGES
/* Opens the range with 1 to KMAPPER_MAX_VMAP_PAGES pages. Once, before the others. */
KMAPPER_CALL void kmapper_open_vmap(uint32_t pages);
/* Maps the pages, low ones too, in a row, for any time; of 0 pages, an area that is its guard
 * alone. Errors: TOO_LARGE, NO_ROOM, WOULD_SLEEP (the room has to be flushed first, and the caller
 * may not). */
KMAPPER_CALL kmapper_error kmapper_vmap(const kmapper_page* pages, uint32_t count, void** address);
KMAPPER_CALL void kmapper_vunmap(const void* address);
/* Makes all clean that was unmapped before. Needs may_flush and may_sleep. */
KMAPPER_CALL void kmapper_flush_vmap(void);
#endif
#ifdef KMAPPER_VMALLOC
/* Allocates pages and maps them in a row. Errors: as vmap, and NO_MEMORY. */
KMAPPER_CALL kmapper_error kmapper_vmalloc(uint32_t pages, void** address);
KMAPPER_CALL void kmapper_vfree(const void* address);
/* Frees memory that waits for a flush, for an allocator that has none left. Whether it did. */
KMAPPER_CALL bool kmapper_free_waiting(void);
#endif

/* --- 8. The hit, inline --------------------------------------------------------------------------
 *
 * What hit() and drop_user() in kmapper/core/mapper.hpp do, in C: the comments there say why each
 * step is right, and core/slot.hpp draws the two words. A build for size, and a checked one, which
 * has more to do, calls kernel.cpp instead.
 */

struct kmapper_slot {
  uint32_t word;
  kmapper_page page;
  uintptr_t holder;
} __attribute__((aligned(64)));
extern struct kmapper_slot kmapper_slots[]; /* entry 0 is no slot */

struct kmapper_cpu_counters {
  uint32_t hits, hits_high; /* a hit touches the high half when the low one comes round */
  uint64_t others[7];
} __attribute__((aligned(64)));
extern struct kmapper_cpu_counters kmapper_counters[KMAPPER_MAX_CPUS];

KMAPPER_CALL void* kmapper_kmap_slow(kmapper_page page);
KMAPPER_CALL void* kmapper_try_kmap_slow(kmapper_page page);
KMAPPER_CALL void kmapper_kunmap_slow(kmapper_page page);
KMAPPER_CALL void kmapper_undo_hit(struct kmapper_slot* slot, kmapper_page page);
KMAPPER_CALL void kmapper_slow_exit(struct kmapper_slot* slot, uint32_t before, kmapper_page page);

/* No code. Keeps a call at a function's end from becoming a jump, so that a report names it. */
#define KMAPPER_NO_JUMP __asm__("")

#if defined(__OPTIMIZE_SIZE__) || KMAPPER_CHECKED
KMAPPER_INLINE void* kmapper_kmap_high(kmapper_page page) { return kmapper_kmap_slow(page); }
KMAPPER_INLINE void* kmapper_try_kmap_high(kmapper_page page) {
  return kmapper_try_kmap_slow(page);
}
KMAPPER_INLINE void kmapper_kunmap_high(kmapper_page page) {
  kmapper_kunmap_slow(page);
  KMAPPER_NO_JUMP;
}
#else
KMAPPER_INLINE void* kmapper_hit(kmapper_page page) {
  uint32_t* const cell = &kmapper_port_cell(page)->value;
  const uint32_t found = __atomic_load_n(cell, __ATOMIC_RELAXED);
  const uint32_t entry = found & 0xFFFF;
  struct kmapper_slot* const slot = &kmapper_slots[entry];
  uint32_t expected = (found & 0xFFFF0000) | 7; /* idle, referenced, not parked */
  if (entry == 0 || !__atomic_compare_exchange_n(&slot->word, &expected, expected + 4, false,
                                                 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return NULL;
  if (__builtin_expect(__atomic_load_n(cell, __ATOMIC_RELAXED) != found, 0)) {
    kmapper_undo_hit(slot, page);
    return NULL;
  }
  __atomic_store_n(&slot->holder, kmapper_port_stamp(), __ATOMIC_RELAXED);
  struct kmapper_cpu_counters* const counters = &kmapper_counters[kmapper_port_cpu()];
  if (__builtin_expect(++counters->hits == 0, 0)) ++counters->hits_high;
  void* const address = kmapper_port_address(entry - 1);
  if (address == NULL) __builtin_unreachable(); /* spares the caller's test */
  return address;
}

KMAPPER_INLINE void* kmapper_kmap_high(kmapper_page page) {
  void* const address = kmapper_hit(page);
  return __builtin_expect(address != NULL, 1) ? address : kmapper_kmap_slow(page);
}
KMAPPER_INLINE void* kmapper_try_kmap_high(kmapper_page page) {
  void* const address = kmapper_hit(page);
  return __builtin_expect(address != NULL, 1) ? address : kmapper_try_kmap_slow(page);
}
KMAPPER_INLINE void kmapper_kunmap_high(kmapper_page page) {
  const uint32_t found = __atomic_load_n(&kmapper_port_cell(page)->value, __ATOMIC_RELAXED);
  struct kmapper_slot* const slot = &kmapper_slots[found & 0xFFFF];
  const uint32_t before = __atomic_fetch_sub(&slot->word, 4, __ATOMIC_RELEASE);
  if (__builtin_expect((before & 0xFFFF) < 10, 0)) {
    kmapper_slow_exit(slot, before, page);
    KMAPPER_NO_JUMP;
  }
}
#endif

KMAPPER_INLINE void* kmapper_kmap(kmapper_page page) {
  return kmapper_port_is_high(page) ? kmapper_kmap_high(page) : kmapper_port_direct_address(page);
}
KMAPPER_INLINE void* kmapper_try_kmap(kmapper_page page) {
  return kmapper_port_is_high(page) ? kmapper_try_kmap_high(page)
                                    : kmapper_port_direct_address(page);
}
KMAPPER_INLINE void kmapper_kunmap(kmapper_page page) {
  if (kmapper_port_is_high(page)) kmapper_kunmap_high(page);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#endif
