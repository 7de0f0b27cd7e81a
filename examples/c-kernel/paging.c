// The kernel's part of every address space. boot.S has made the direct map; here come the devices.
// It is complete before the first process starts, so a process's directory copies the entries once.
#include "kernel.h"

static uint32_t device_table[1024] __attribute__((aligned(PAGE_SIZE)));

static uint32_t physical(const void* direct) { return (uint32_t)direct - KERNEL_BASE; }

void share_table(uint32_t address, const uint32_t* table) {
  kernel_directory[address >> 22] = physical(table) | PAGE_PRESENT | PAGE_WRITABLE;
}

// All devices lie in the same 4 MiB.
void map_device(uint32_t address) {
  share_table(address, device_table);
  device_table[address / PAGE_SIZE % 1024] = address | PAGE_PRESENT | PAGE_WRITABLE | PAGE_UNCACHED;
}

void share_kernel_part(uint32_t* directory) {
  const uint32_t first = KERNEL_BASE >> 22;
  memcpy(directory + first, kernel_directory + first, (1024 - first) * sizeof *directory);
}

// Also drops this CPU's TLB: no entry is global.
void load_directory(const uint32_t* directory) {
  asm volatile("movl %0, %%cr3" : : "r"(physical(directory)) : "memory");
}

// The CPUs start at their physical addresses. Once they all run, address 0 traps.
void drop_identity_map(void) { kernel_directory[0] = 0; }
