// The kernel that kmapper is ported to: as small as a kernel can be. One CPU, threads that run
// until they yield, no interrupt handlers, and page tables of 1,024 entries (i386 without PAE;
// where a pointer has 64 bits, an entry has 64 bits, too). Your kernel has all of this already, and
// better.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/local_stack.hpp"

namespace port {

inline constexpr size_t kPageSize = 4096;
inline constexpr size_t kPages = 8192;          // of physical memory: 32 MiB
inline constexpr size_t kFirstHighPage = 4096;  // memory below 16 MiB always has an address

/// What the kernel keeps for each page of physical memory. A page's number is its index in `pages`.
struct Page {
  kmapper::Atomic<uint32_t> virtual_{0};  // for kmapper
};
extern Page pages[kPages];

/// A page-table entry. The CPU sets kAccessed before it uses one (Intel SDM 3A 4.8).
using Entry = uintptr_t;
inline constexpr Entry kPresent = 1 << 0;
inline constexpr Entry kWritable = 1 << 1;
inline constexpr Entry kAccessed = 1 << 5;

/// Three page tables, and the consecutive address ranges that they map.
inline constexpr size_t kTableSize = kPageSize / sizeof(Entry);
inline constexpr uintptr_t kWindow = 0xF0000000;
inline constexpr uintptr_t kLocal = kWindow + kTableSize * kPageSize;
inline constexpr uintptr_t kVmap = kLocal + kTableSize * kPageSize;
extern "C" kmapper::Atomic<Entry> window_table[kTableSize];
extern "C" kmapper::Atomic<Entry> local_table[kTableSize];
extern "C" kmapper::Atomic<Entry> vmap_table[kTableSize];

/// Drops one page from the TLB.
inline void invlpg(const void* address) { asm volatile("invlpg (%0)" ::"r"(address) : "memory"); }

// --- Interrupts ---
inline bool interrupts_are_on() {
  uintptr_t flags = 0;
  asm volatile("pushf\n\tpop %0" : "=r"(flags)::"memory");
  return (flags & 0x200) != 0;
}
inline void interrupts_off() { asm volatile("cli" ::: "memory"); }
inline void interrupts_on() { asm volatile("sti" ::: "memory"); }

// --- Threads ---
struct Thread {
  void* stack = nullptr;  // its stack pointer, while it does not run
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  bool alive = false;
  kmapper::LocalStack<Entry, kmapper::Atomic> local_stack;  // for kmapper
};
extern Thread* current_thread;
/// A thread's number, counted from 0.
uint32_t number_of(const Thread& thread);
/// False: there are too many threads.
bool start_thread(void (*function)(void*), void* argument);
/// Lets the next thread run.
void yield();

// --- The rest ---
/// Nanoseconds since the machine began.
uint64_t clock();
void print(const char* text);
void print_hex(const char* what, uintptr_t number);
/// Ends the machine: QEMU's exit code is then 2 * code + 1.
[[noreturn]] void end(uint8_t code);

}  // namespace port
