/* The platform of a kernel that exists on paper only: declarations, for what is compiled and not
 * run. KMAPPER_LOCAL and the other parts are chosen by -D. */
#ifndef KMAPPER_PORT_H
#define KMAPPER_PORT_H

#include "kmapper/kernel_types.h"

struct page {
  kmapper_cell cell;
  uint32_t other;
};
struct thread;
typedef struct page* kmapper_page;
typedef struct {
  uint32_t held;
  uintptr_t before;
} kmapper_lock;
typedef struct {
  struct thread* thread;
} kmapper_sleeper;

#define KMAPPER_MAX_SLOTS 512
#define KMAPPER_MAX_CPUS 4
#define KMAPPER_PAGE_SIZE 4096
#define KMAPPER_HARDWARE_SETS_ACCESSED 1

bool kmapper_port_is_high(kmapper_page page);
void* kmapper_port_direct_address(kmapper_page page);
bool kmapper_port_is_direct(const void* address);
static inline kmapper_cell* kmapper_port_cell(kmapper_page page) { return &page->cell; }
static inline void* kmapper_port_address(uint32_t slot) {
  return (void*)((uintptr_t)0xF0000000U + slot * (uintptr_t)KMAPPER_PAGE_SIZE);
}
void kmapper_port_write_pte(uint32_t slot, kmapper_page page);
bool kmapper_port_take_pte(uint32_t slot);
void kmapper_port_invalidate(const uint32_t* slots, uint32_t count);
uint32_t kmapper_port_cpu(void);
bool kmapper_port_may_sleep(void);
bool kmapper_port_may_flush(void);
void kmapper_port_relax(void);
uintptr_t kmapper_port_interrupts_off(void);
void kmapper_port_interrupts_restore(uintptr_t state);
void kmapper_port_lock(kmapper_lock* lock);
void kmapper_port_unlock(kmapper_lock* lock);
void kmapper_port_init_sleeper(kmapper_sleeper* sleeper);
void kmapper_port_sleep(kmapper_lock* lock, kmapper_sleeper* sleeper, uint64_t deadline_ns);
void kmapper_port_wake(kmapper_sleeper* sleeper);
uint64_t kmapper_port_now(void);
uintptr_t kmapper_port_stamp(void);
bool kmapper_port_same_holder(uintptr_t one, uintptr_t other);
uint64_t kmapper_port_age_ns(uintptr_t stamp);
void kmapper_port_report(const struct kmapper_report* report);
#ifdef KMAPPER_LOCAL
kmapper_local_stack* kmapper_port_local_stack(void);
uint32_t kmapper_port_first_local_slot(void);
void* kmapper_port_local_address(uint32_t slot);
bool kmapper_port_is_local(const void* address);
void kmapper_port_write_local_pte(uint32_t slot, kmapper_page page);
uint64_t kmapper_port_take_local_pte(uint32_t slot);
void kmapper_port_put_local_pte(uint32_t slot, uint64_t pte);
kmapper_page kmapper_port_local_page(uint32_t slot);
#endif
#ifdef KMAPPER_MAX_VMAP_PAGES
void* kmapper_port_vmap_address(uint32_t page);
void kmapper_port_write_vmap_pte(uint32_t page, kmapper_page what);
bool kmapper_port_take_vmap_pte(uint32_t page);
void kmapper_port_flush_vmap(void);
#endif
#ifdef KMAPPER_VMALLOC
kmapper_page kmapper_port_alloc_page(void);
void kmapper_port_free_page(kmapper_page page);
bool kmapper_port_hide_vmap_pte(uint32_t page);
kmapper_page kmapper_port_take_hidden_page(uint32_t page);
#endif
#ifdef KMAPPER_POSTED_FLUSHES
void kmapper_port_drop(uint32_t slot);
void kmapper_port_drop_all(void);
void kmapper_port_call(uint32_t cpus);
#endif
#endif
