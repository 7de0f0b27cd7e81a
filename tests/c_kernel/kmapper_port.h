// The kernel's port, and vmap and vmalloc, which the kernel itself does not use.
#ifndef TEST_PORT_H
#define TEST_PORT_H

#include_next "kmapper_port.h"

#define KMAPPER_MAX_VMAP_PAGES 1024
#define KMAPPER_VMALLOC
#define VMAP 0xFF400000
extern uint32_t vmap_table[1024];

static inline void* kmapper_port_vmap_address(uint32_t at) {
  return (void*)(VMAP + at * PAGE_SIZE);
}
static inline void kmapper_port_write_vmap_pte(uint32_t at, kmapper_page page) {
  __atomic_store_n(&vmap_table[at], entry_of(page), __ATOMIC_RELEASE);
}
static inline bool kmapper_port_take_vmap_pte(uint32_t at) {
  return __atomic_exchange_n(&vmap_table[at], 0, __ATOMIC_SEQ_CST) & PAGE_ACCESSED;
}
static inline void kmapper_port_flush_vmap(void) { kmapper_port_invalidate(NULL, 0); }

static inline kmapper_page kmapper_port_alloc_page(void) { return alloc_page(); }
void kmapper_port_free_page(kmapper_page page);
static inline bool kmapper_port_hide_vmap_pte(uint32_t at) {
  return __atomic_fetch_and(&vmap_table[at], ~PAGE_PRESENT, __ATOMIC_SEQ_CST) & PAGE_ACCESSED;
}
static inline kmapper_page kmapper_port_take_hidden_page(uint32_t at) {
  const uint32_t entry = vmap_table[at];
  if (entry == 0 || (entry & PAGE_PRESENT)) return NULL;
  vmap_table[at] = 0;
  return pages + entry / PAGE_SIZE;
}

#endif
