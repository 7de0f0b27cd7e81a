/* Definitions of all that kernel.cpp asks of a kernel, so that it links. Not run. */
#include "kmapper/kernel.h"

bool kmapper_port_is_high(kmapper_page page) { return page != NULL; }
void* kmapper_port_direct_address(kmapper_page page) { return page; }
bool kmapper_port_is_direct(const void* address) { return address != NULL; }
void kmapper_port_write_pte(uint32_t slot, kmapper_page page) { (void)slot, (void)page; }
bool kmapper_port_take_pte(uint32_t slot) { return slot != 0; }
void kmapper_port_invalidate(const uint32_t* slots, uint32_t count) { (void)slots, (void)count; }
uint32_t kmapper_port_cpu(void) { return 0; }
bool kmapper_port_may_sleep(void) { return true; }
bool kmapper_port_may_flush(void) { return true; }
void kmapper_port_relax(void) {}
uintptr_t kmapper_port_interrupts_off(void) { return 0; }
void kmapper_port_interrupts_restore(uintptr_t state) { (void)state; }
void kmapper_port_lock(kmapper_lock* lock) { lock->held = 1; }
void kmapper_port_unlock(kmapper_lock* lock) { lock->held = 0; }
void kmapper_port_init_sleeper(kmapper_sleeper* sleeper) { sleeper->thread = NULL; }
void kmapper_port_sleep(kmapper_lock* lock, kmapper_sleeper* sleeper, uint64_t deadline_ns) {
  (void)lock, (void)sleeper, (void)deadline_ns;
}
void kmapper_port_wake(kmapper_sleeper* sleeper) { (void)sleeper; }
uint64_t kmapper_port_now(void) { return 0; }
uintptr_t kmapper_port_stamp(void) { return 1; }
bool kmapper_port_same_holder(uintptr_t one, uintptr_t other) { return one == other; }
uint64_t kmapper_port_age_ns(uintptr_t stamp) { return stamp; }
void kmapper_port_report(const struct kmapper_report* report) { (void)report; }

#ifdef KMAPPER_LOCAL
static kmapper_local_stack stack;
kmapper_local_stack* kmapper_port_local_stack(void) { return &stack; }
uint32_t kmapper_port_first_local_slot(void) { return 0; }
void* kmapper_port_local_address(uint32_t slot) { return kmapper_port_address(slot); }
bool kmapper_port_is_local(const void* address) { return address != NULL; }
void kmapper_port_write_local_pte(uint32_t slot, kmapper_page page) { (void)slot, (void)page; }
uint64_t kmapper_port_take_local_pte(uint32_t slot) { return slot; }
void kmapper_port_put_local_pte(uint32_t slot, uint64_t pte) { (void)slot, (void)pte; }
kmapper_page kmapper_port_local_page(uint32_t slot) { return (void)slot, (kmapper_page)NULL; }
#endif
#ifdef KMAPPER_MAX_VMAP_PAGES
void* kmapper_port_vmap_address(uint32_t page) { return kmapper_port_address(page); }
void kmapper_port_write_vmap_pte(uint32_t page, kmapper_page what) { (void)page, (void)what; }
bool kmapper_port_take_vmap_pte(uint32_t page) { return page != 0; }
void kmapper_port_flush_vmap(void) {}
#endif
#ifdef KMAPPER_VMALLOC
kmapper_page kmapper_port_alloc_page(void) { return NULL; }
void kmapper_port_free_page(kmapper_page page) { (void)page; }
bool kmapper_port_hide_vmap_pte(uint32_t page) { return page != 0; }
kmapper_page kmapper_port_take_hidden_page(uint32_t page) { return (void)page, (kmapper_page)NULL; }
#endif
#ifdef KMAPPER_POSTED_FLUSHES
void kmapper_port_drop(uint32_t slot) { (void)slot; }
void kmapper_port_drop_all(void) {}
void kmapper_port_call(uint32_t cpus) { (void)cpus; }
#endif

/* What every freestanding program provides (GCC manual, 2.1). */
void* memcpy(void* to, const void* from, size_t size) {
  char* const at = to;
  for (size_t i = 0; i < size; ++i) ((volatile char*)at)[i] = ((const char*)from)[i];
  return to;
}
void* memset(void* to, int value, size_t size) {
  char* const at = to;
  for (size_t i = 0; i < size; ++i) ((volatile char*)at)[i] = (char)value;
  return to;
}
void* memmove(void* to, const void* from, size_t size) { return memcpy(to, from, size); }
int memcmp(const void* one, const void* other, size_t size) {
  return (void)other, one != other && size != 0;
}

static struct page some_page;

void start(void) {
  kmapper_open(16);
  for (;;) {
    if (kmapper_kmap(&some_page) == NULL) continue;
    kmapper_kunmap(&some_page);
  }
}
