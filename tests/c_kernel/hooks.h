// What the tests need of the kernel, and the kernel has no use for. The linker's --wrap puts these
// functions before the kernel's.
#ifndef HOOKS_H
#define HOOKS_H

#include "kmapper/kernel.h"

// Reads 4 bytes, and survives a fault. `mapped` is false after one.
struct probed {
  uint32_t value;
  uint32_t mapped;
};
struct probed probe(const void* address);
// Calls the function in an interrupt handler on this CPU.
void in_interrupt(void (*function)(void*), void* argument);

// The last report, and how many there were.
extern struct kmapper_report last_report;
extern uint32_t report_count;
extern bool reports_are_silent;

// Maps the vmap range's page table. Before kmapper_open_vmap().
void share_vmap_table(void);

#endif
