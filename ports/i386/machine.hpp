// QEMU's machine "pc" with up to 4 CPUs: page tables of two levels without PAE reach 4 GiB, of
// which this machine has up to 3. Sections are those of Intel's Software Developer's Manual, volume
// 3A (SDM). ../README.md says what each function must do.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"

namespace machine {

// RAM has a hole below 1 MiB, which nobody uses: the image begins there, and free memory after it.
inline constexpr uint64_t kRam = 0;
inline constexpr uint32_t kDirect = 0;  // as physical: code runs before the page tables, too
inline constexpr uint32_t kDirectSize = 0x1000'0000;
uint64_t ram_size();
const char* boot_arguments();

// --- Page tables ---
// One table of 4 MiB has all three ranges, and the local APIC's registers.
inline constexpr uint32_t kPageSize = 4096;
inline constexpr uint32_t kTableEntries = 1024;
inline constexpr uint32_t kRanges = 0xF000'0000;
inline constexpr uint32_t kWindow = kRanges + 1 * kPageSize;
inline constexpr uint32_t kLocal = kRanges + 520 * kPageSize;
inline constexpr uint32_t kVmap = kRanges + 800 * kPageSize;
inline constexpr uint32_t kApic = kRanges + 1000 * kPageSize;

using Entry = uint32_t;
inline constexpr Entry kPresentWritable = 3;
inline constexpr Entry kUncached = 1 << 4;
inline constexpr Entry kAccessed = 1 << 5;
inline constexpr Entry kDirty = 1 << 6;
extern kmapper::Atomic<Entry> ranges_table[kTableEntries];

inline kmapper::Atomic<Entry>& entry_at(uint32_t address) {
  return ranges_table[(address - kRanges) / kPageSize];
}
// Dirty is set from the start: nobody asks for it, so a CPU need not set it.
inline Entry make_entry(uint64_t physical) {
  return static_cast<Entry>(physical) | kDirty | kPresentWritable;
}
inline uint64_t physical_of(Entry entry) { return entry & ~(kPageSize - 1); }
// By a locked access, before a TLB may hold what the entry says (4.8, 4.10.2.3).
inline constexpr bool kSetsAccessed = true;
inline bool was_accessed(Entry entry) { return (entry & kAccessed) != 0; }

// --- TLBs ---
inline void drop(uint32_t address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }
// No TLB holds that an entry maps nothing (4.10.2.3), and stores are seen in their order: only the
// compiler must not change it.
inline void after_write(uint32_t /*address*/) { asm volatile("" ::: "memory"); }
void drop_everywhere(const uint32_t* addresses, uint32_t count);
void drop_range_everywhere(uint32_t from, uint32_t pages);

// --- CPUs ---
// GS holds it, because no code uses GS: 0 to 3 are the null selectors (3.4.2). Volatile: a thread
// that goes on on another CPU has to look again.
inline uint32_t cpu() {
  uint32_t number;
  asm volatile("movl %%gs, %0" : "=r"(number));
  return number;
}
inline void* own_data[4];
inline void set_own(void* data) { own_data[cpu()] = data; }
inline void* own() { return own_data[cpu()]; }
uint32_t cpus();
void start_cpus(void (*run)());

inline bool interrupts_are_on() {
  uint32_t flags;
  asm volatile("pushfl\n\tpopl %0" : "=r"(flags)::"memory");
  return (flags & 1 << 9) != 0;
}
inline void interrupts_off() { asm volatile("cli" ::: "memory"); }
inline void interrupts_on() { asm volatile("sti" ::: "memory"); }
inline void relax() { asm volatile("pause" ::: "memory"); }

// STI lets no interrupt in before HLT.
inline void idle() { asm volatile("sti\n\thlt\n\tcli" ::: "memory"); }
void wake(uint32_t cpu);

extern "C" void switch_stack(void** from, void* to);
void* new_stack(void* top, void (*function)());

// --- The rest ---
uint64_t clock();
// With -icount shift=0, QEMU's time-stamp counter counts instructions.
inline uint32_t instructions() {
  uint32_t count;
  asm volatile("rdtsc" : "=a"(count)::"edx", "memory");
  return count;
}
void put(char character);
[[noreturn]] void end(int code);

inline constexpr bool kSurvivesFaults = true;
extern "C" bool probe_word(const void* address, uint32_t* value);
inline bool probe(const void* address, uint32_t& value) { return probe_word(address, &value); }

}  // namespace machine
