// What kmapper asks of this kernel: part 1 of kmapper/kernel.h, in its order. All that is short is
// here, so that a hit calls no function.
#ifndef KMAPPER_PORT_H
#define KMAPPER_PORT_H

#include "kernel.h"

typedef struct page* kmapper_page;
typedef struct spinlock kmapper_lock;
typedef char kmapper_sleeper;  // its address is the channel

#define KMAPPER_MAX_SLOTS 768
#define KMAPPER_MAX_CPUS MAX_CPUS
#define KMAPPER_PAGE_SIZE PAGE_SIZE
#define KMAPPER_HARDWARE_SETS_ACCESSED 1
#define KMAPPER_LOCAL

// One page table maps the window's slots and, behind them, the local ones, with an unmapped page
// behind each of these.
#define WINDOW 0xFF000000
#define LOCAL_SLOTS (WINDOW + KMAPPER_MAX_SLOTS * PAGE_SIZE)
#define LOCAL_ENTRY(slot) window_table[KMAPPER_MAX_SLOTS + 2 * (slot)]
extern uint32_t window_table[1024];

// The memory.
static inline bool kmapper_port_is_high(kmapper_page page) { return page >= pages + DIRECT_PAGES; }
#define kmapper_port_direct_address(page) page_address(page)
#define kmapper_port_is_direct(address) ((uint32_t)(address)-KERNEL_BASE < DIRECT_MIB << 20)
static inline kmapper_cell* kmapper_port_cell(kmapper_page page) { return &page->cell; }

// The window.
#define kmapper_port_address(slot) ((void*)(WINDOW + (slot)*PAGE_SIZE))
static inline uint32_t entry_of(kmapper_page page) {
  return page_physical(page) | PAGE_PRESENT | PAGE_WRITABLE;
}
static inline void kmapper_port_write_pte(uint32_t slot, kmapper_page page) {
  __atomic_store_n(&window_table[slot], entry_of(page), __ATOMIC_RELEASE);
}
static inline bool kmapper_port_take_pte(uint32_t slot) {
  return __atomic_exchange_n(&window_table[slot], 0, __ATOMIC_SEQ_CST) & PAGE_ACCESSED;
}
void kmapper_port_invalidate(const uint32_t* slots, uint32_t count);

// The CPU. Interrupts are off in an interrupt handler, and while a spinlock is held.
#define kmapper_port_cpu() cpu_number()
#define kmapper_port_may_sleep() interrupts_are_on()
#define kmapper_port_may_flush() interrupts_are_on()
static inline void kmapper_port_relax(void) { relax(); }
static inline uintptr_t kmapper_port_interrupts_off(void) { return interrupts_off(), 0; }
#define kmapper_port_interrupts_restore(before) ((void)(before), interrupts_restore())

// Sleeping.
#define kmapper_port_lock(lock) spin_lock(lock)
#define kmapper_port_unlock(lock) spin_unlock(lock)
#define kmapper_port_init_sleeper(sleeper) ((void)(sleeper))
#define kmapper_port_sleep(lock, sleeper, deadline) sleep_until(sleeper, lock, deadline)
#define kmapper_port_wake(sleeper) wakeup(sleeper)
static inline uint64_t kmapper_port_now(void) { return now(); }

// Reports. A stamp is the thread; it has no time.
#define kmapper_port_stamp() ((uintptr_t)current_thread())
#define kmapper_port_same_holder(one, other) ((one) == (other))
#define kmapper_port_age_ns(stamp) ((void)(stamp), (uint64_t)0)
void kmapper_port_report(const struct kmapper_report* report);

// Local mappings. Only this CPU uses these entries; an interrupt leaves them as it finds them.
#define kmapper_port_local_stack() (&current_thread()->local_stack)
#define kmapper_port_first_local_slot() (cpu_number() * KMAPPER_LOCAL_DEPTH)
#define kmapper_port_local_address(slot) ((void*)(LOCAL_SLOTS + 2 * (slot)*PAGE_SIZE))
#define kmapper_port_is_local(address) ((uint32_t)(address) >= LOCAL_SLOTS)
#define kmapper_port_write_local_pte(slot, page) ((void)(LOCAL_ENTRY(slot) = entry_of(page)))
#define kmapper_port_put_local_pte(slot, entry) ((void)(LOCAL_ENTRY(slot) = (uint32_t)(entry)))
static inline uint64_t kmapper_port_take_local_pte(uint32_t slot) {
  const uint32_t entry = LOCAL_ENTRY(slot);
  LOCAL_ENTRY(slot) = 0;
  asm volatile("invlpg (%0)" : : "r"(kmapper_port_local_address(slot)) : "memory");
  return entry;
}
static inline kmapper_page kmapper_port_local_page(uint32_t slot) {
  return LOCAL_ENTRY(slot) ? pages + LOCAL_ENTRY(slot) / PAGE_SIZE : NULL;
}

#endif
