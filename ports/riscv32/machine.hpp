// QEMU's machine "virt" with 32-bit RISC-V CPUs: Sv32 page tables reach 16 GiB, of which this
// machine has up to 10. Chapters and sections are those of the RISC-V privileged
// specification 1.12. common/platform.hpp says what each function must do.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"

namespace machine {

inline constexpr uint64_t kRam = 0x8000'0000;
inline constexpr uint32_t kDirect =
    0x8000'0000;  // as physical: code runs before the page tables, too
inline constexpr uint32_t kDirectSize = 0x2000'0000;
uint64_t ram_size();
const char* boot_arguments();

// --- Page tables ---

// One table of 4 MiB has all three ranges.
inline constexpr uint32_t kPageSize = 4096;
inline constexpr uint32_t kTableEntries = 1024;
inline constexpr uint32_t kRanges = 0xF000'0000;
inline constexpr uint32_t kWindow = kRanges + 1 * kPageSize;
inline constexpr uint32_t kLocal = kRanges + 520 * kPageSize;
inline constexpr uint32_t kVmap = kRanges + 800 * kPageSize;

using Entry = uint32_t;
inline constexpr Entry kValid = 1 << 0;
inline constexpr Entry kReadWrite = 3 << 1;
inline constexpr Entry kExecute = 1 << 3;
inline constexpr Entry kAccessedDirty = 3 << 6;
extern kmapper::Atomic<Entry> ranges_table[kTableEntries];

inline kmapper::Atomic<Entry>& entry_at(uint32_t address) {
  return ranges_table[(address - kRanges) / kPageSize];
}
// A and D are set from the start: a CPU may set them, or may fault where they are clear (4.3.1;
// extensions Svadu and Svade). So nobody can tell whether an entry was used.
inline Entry make_entry(uint64_t physical) {
  return static_cast<Entry>(physical >> 12) << 10 | kAccessedDirty | kReadWrite | kValid;
}
inline uint64_t physical_of(Entry entry) { return uint64_t{entry >> 10} << 12; }
inline constexpr bool kSetsAccessed = false;
inline bool was_accessed(Entry /*entry*/) { return true; }

// --- TLBs ---

inline void drop(uint32_t address) { asm volatile("sfence.vma %0" ::"r"(address) : "memory"); }
// FENCE does not order a store against a page walk; SFENCE.VMA does, on the CPU that executes it,
// and for stores that this CPU has seen (4.2.1). A CPU may also cache that an entry maps nothing.
// So the writer executes one here. Another CPU that comes to the address later may still find
// nothing there, and faults: on_fault() sees by a load that the entry is valid, executes SFENCE.VMA
// itself, and goes back. That is right for every CPU, and costs nothing where there is no such
// fault; to tell the others by an interrupt would cost one at each miss.
inline void after_write(uint32_t address) { drop(address); }
void drop_everywhere(const uint32_t* addresses, uint32_t count);
void drop_range_everywhere(uint32_t from, uint32_t pages);

// --- CPUs ---

// tp is the CPU's number: no thread's register, and switch_stack() leaves it alone.
inline uint32_t cpu() {
  uint32_t number;
  asm volatile("mv %0, tp" : "=r"(number));
  return number;
}
// gp is free, because nothing is linked with relaxation. switch_stack() leaves it alone, too.
inline void set_own(void* data) { asm volatile("mv gp, %0" ::"r"(data)); }
inline void* own() {
  void* data;
  asm volatile("mv %0, gp" : "=r"(data));
  return data;
}
uint32_t cpus();
void start_cpus(void (*run)());

inline constexpr uint32_t kInterruptsOn = 2;  // sstatus.SIE
inline bool interrupts_are_on() {
  uint32_t status;
  asm volatile("csrr %0, sstatus" : "=r"(status)::"memory");
  return (status & kInterruptsOn) != 0;
}
inline void interrupts_off() { asm volatile("csrci sstatus, %0" ::"i"(kInterruptsOn) : "memory"); }
inline void interrupts_on() { asm volatile("csrsi sstatus, %0" ::"i"(kInterruptsOn) : "memory"); }
inline void relax() {
  asm volatile(".word 0x0100000f" ::: "memory");
}  // PAUSE (Zihintpause), a FENCE

// A software interrupt ends WFI also where interrupts are off; it is enabled only here, so no other
// code meets it.
inline void idle() {
  asm volatile("csrsi sie, 2\n\twfi\n\tcsrci sie, 2\n\tcsrci sip, 2" ::: "memory");
}
void wake(uint32_t cpu);

extern "C" void switch_stack(void** from, void* to);
void* new_stack(void* top, void (*function)());

// --- The rest ---

uint64_t clock();
inline uint32_t instructions() {
  uint32_t count;
  asm volatile("rdinstret %0" : "=r"(count)::"memory");
  return count;
}
void put(char character);
[[noreturn]] void end(int code);

inline constexpr bool kSurvivesFaults = true;
extern "C" bool probe_word(const void* address, uint32_t* value);
inline bool probe(const void* address, uint32_t& value) { return probe_word(address, &value); }

}  // namespace machine
