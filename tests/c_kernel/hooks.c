#include "hooks.h"

enum { PAGE_FAULT = 14, TEST_VECTOR = 50 };

uint32_t vmap_table[1024] __attribute__((aligned(PAGE_SIZE)));
struct kmapper_report last_report;
uint32_t report_count;
bool reports_are_silent;

// uint64_t probe_word(address): the word, and in the high half whether it was there.
uint64_t probe_word(const void* address);
extern const uint8_t probe_access[], probe_end[];
asm("probe_word:\n"
    "  movl 4(%esp), %ecx\n"
    "  movl $1, %edx\n"
    "probe_access:\n"
    "  movl (%ecx), %eax\n"
    "probe_end:\n"
    "  ret\n");

struct probed probe(const void* address) {
  const uint64_t word = probe_word(address);
  return (struct probed){(uint32_t)word, (uint32_t)(word >> 32)};
}

void in_interrupt(void (*function)(void*), void* argument) {
  asm volatile("int %0" : : "i"(TEST_VECTOR), "a"(function), "b"(argument) : "memory");
}

void __real_trap(struct trap_frame* frame);
void __wrap_trap(struct trap_frame* frame);
void __wrap_trap(struct trap_frame* frame) {
  if (frame->vector == TEST_VECTOR) {
    ((void (*)(void*))frame->eax)((void*)frame->ebx);
  } else if (frame->vector == PAGE_FAULT && frame->eip == (uint32_t)probe_access) {
    frame->edx = 0;
    frame->eip = (uint32_t)probe_end;
  } else {
    __real_trap(frame);
  }
}

void __real_kmapper_port_report(const struct kmapper_report* report);
void __wrap_kmapper_port_report(const struct kmapper_report* report);
void __wrap_kmapper_port_report(const struct kmapper_report* report) {
  last_report = *report;
  __atomic_fetch_add(&report_count, 1, __ATOMIC_SEQ_CST);
  if (!reports_are_silent) __real_kmapper_port_report(report);
}

void kmapper_port_free_page(kmapper_page page) {
  if (kmapper_evict(page) != KMAPPER_PINNED) free_page(page);  // else it stays with nobody
}

void share_vmap_table(void) { share_table(VMAP, vmap_table); }
