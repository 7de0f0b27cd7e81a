// The bare machine: QEMU's board "virt" with Cortex-A15 CPUs, and page tables of long descriptors
// (LPAE). ../README.md says what each name must do. (A, B: chapters of the ARM
// Architecture Reference Manual, ARMv7-A and ARMv7-R, DDI 0406C)
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"

namespace machine {

// --- Memory ---
inline constexpr uint64_t kRam = 0x40000000;
inline constexpr uint32_t kDirect = 0x40000000;
inline constexpr uint32_t kDirectSize = 0x20000000;  // RAM must not be smaller
uint64_t ram_size();
const char* boot_arguments();

// --- Page tables ---
// 64 bits: an access to one is single-copy atomic (A3.5.3).
using Entry = uint64_t;
inline constexpr uint32_t kTables = 0xC0000000;
// A page behind: then a hit computes the address of entry n, slot n - 1, by one addition less.
inline constexpr uint32_t kWindow = kTables + 0x1000;
inline constexpr uint32_t kLocal = 0xC0201000;
inline constexpr uint32_t kVmap = 0xC0400000;
// The last level of 6 MiB of addresses, from kTables on.
extern "C" kmapper::Atomic<Entry> window_tables[3 * 512];

inline kmapper::Atomic<Entry>& entry_at(uint32_t address) {
  return window_tables[(address - kTables) >> 12];
}
// XN, AF, inner shareable, writable at PL1 only, memory of attributes 0 in MAIR0, a page (B3.6.2).
// The CPU does not set AF: it faults where AF is clear (B3.7).
inline Entry make_entry(uint64_t physical) { return physical | Entry{1} << 54 | 0x703; }
inline uint64_t physical_of(Entry entry) { return entry & 0xFFFFFFF000; }
inline constexpr bool kSetsAccessed = false;
inline bool was_accessed(Entry /*entry*/) { return true; }

// --- TLBs ---
// A table walk is an observer of its own: only a DSB on the CPU that stored the entry makes sure
// that the walk sees it, and the ISB that this CPU's next instructions do (B3.10.1, "TLB
// maintenance operations and the memory order model"). No TLB holds an entry that maps nothing
// (B3.9). But another CPU may begin a load, and its walk, before it learns of the address: see
// fault().
inline void after_write(uint32_t /*address*/) { asm volatile("dsb ish\n\tisb" ::: "memory"); }
// Another CPU may have fetched the translation ahead of any use. It never uses it: the address
// belongs to this CPU.
inline void drop(uint32_t address) {
  asm volatile(
      "dsb nshst\n\t"
      "mcr p15, 0, %0, c8, c7, 3\n\t"  // TLBIMVAA
      "dsb nsh\n\t"
      "isb" ::"r"(address)
      : "memory");
}
void drop_everywhere(const uint32_t* addresses, uint32_t count);
void drop_range_everywhere(uint32_t from, uint32_t pages);

// --- CPUs ---
inline uint32_t cpu() {
  uint32_t number = 0;
  asm volatile("mrc p15, 0, %0, c13, c0, 4" : "=r"(number));  // TPIDRPRW
  return number;
}
// TPIDRURO.
inline void set_own(void* data) { asm volatile("mcr p15, 0, %0, c13, c0, 3" ::"r"(data)); }
inline void* own() {
  void* data = nullptr;
  asm volatile("mrc p15, 0, %0, c13, c0, 3" : "=r"(data));
  return data;
}
uint32_t cpus();
void start_cpus(void (*run)());

inline bool interrupts_are_on() {
  uint32_t status = 0;
  asm volatile("mrs %0, cpsr" : "=r"(status)::"memory");
  return (status & 1U << 7) == 0;
}
inline void interrupts_off() { asm volatile("cpsid i" ::: "memory"); }
inline void interrupts_on() { asm volatile("cpsie i" ::: "memory"); }
inline void relax() { asm volatile("yield" ::: "memory"); }
void idle();
void wake(uint32_t cpu);

extern "C" void switch_stack(void** from, void* to);
void* new_stack(void* top, void (*function)());

// --- The rest ---
uint64_t clock();
// Cycles of this CPU. QEMU counts an instruction as one, with -icount shift=0.
inline uint32_t instructions() {
  uint32_t cycles = 0;
  asm volatile("isb\n\tmrc p15, 0, %0, c9, c13, 0" : "=r"(cycles)::"memory");  // PMCCNTR
  return cycles;
}
void put(char character);
[[noreturn]] void end(int code);
inline constexpr bool kSurvivesFaults = true;
extern "C" bool probe(const void* address, uint32_t& value);

}  // namespace machine
