// The window's page table, its flushes, and kmapper's reports.
#include "kernel.h"
#include "kmapper/kernel.h"

uint32_t window_table[1024] __attribute__((aligned(PAGE_SIZE)));

// Flushes that were asked of a CPU, and those of them that it has made.
static struct flushes { uint32_t asked, made; } flushes[MAX_CPUS];

// Asks all CPUs, this one too: the thread may go on on another. Interrupts are on, so each CPU that
// waits here answers the others.
void kmapper_port_invalidate(const uint32_t* slots, uint32_t count) {
  (void)slots, (void)count;  // a CPU drops its whole TLB
  uint32_t mine[MAX_CPUS];
  for (uint32_t i = 0; i < cpu_count; ++i) {
    mine[i] = __atomic_add_fetch(&flushes[i].asked, 1, __ATOMIC_RELEASE);
    send_interrupt(&cpus[i], FLUSH_VECTOR);
  }
  for (uint32_t i = 0; i < cpu_count; ++i)
    while ((int32_t)(__atomic_load_n(&flushes[i].made, __ATOMIC_ACQUIRE) - mine[i]) < 0) relax();
}

// The interrupt. What is asked after the load comes too late for this flush, and has its own.
void answer_flush(void) {
  struct flushes* const here = &flushes[cpu_number()];
  const uint32_t asked = __atomic_load_n(&here->asked, __ATOMIC_ACQUIRE);
  uint32_t directory;
  asm volatile("movl %%cr3, %0; movl %0, %%cr3" : "=r"(directory) : : "memory");
  __atomic_store_n(&here->made, asked, __ATOMIC_RELEASE);
  end_of_interrupt();
}

void kmapper_port_report(const struct kmapper_report* report) {
  print("kmapper: %s: page %x, slot %x, address %x, called from %x; %s\n", report->what,
        report->page ? page_number((struct page*)report->page) : 0, report->slot,
        (uint32_t)report->address, (uint32_t)report->caller, report->advice);
}
