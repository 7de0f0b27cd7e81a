// The data of each CPU. The base of the %fs segment is the distance of this CPU's PerCpu from that
// of CPU 0, so `%fs:per_cpu[0].field` is this CPU's own field: one instruction reads or changes it,
// whichever CPU the thread runs on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/cpu.hpp"
#include "kmapper/core/platform.hpp"

namespace kmapper::kernel {

class Spinlock;
class Thread;

/// A thread, in the high 14 bits, and a time in timer ticks modulo 2^18.
enum class Stamp : std::uint32_t {};

struct alignas(64) PerCpu {
  std::uint32_t number;           // 0 to kMaxCpus - 1
  LocalSlot first_local_slot;     // of this CPU's own, for kmap_local()
  Stamp stamp;                    // of the running thread, now
  Thread* current;                // the running thread
  Thread* idle;                   // runs when no other thread is ready
  Spinlock* last_lock;            // the spinlock taken last of those held, or null
  std::uint32_t preemption_off;   // how many PreemptionOff objects exist
  std::uint32_t interrupt_depth;  // how many interrupt handlers are active
  std::uint32_t reschedule;       // not 0: the running thread's turn is over
  std::uint32_t idles;            // not 0: the CPU idles; belongs to tlb.cpp
  std::uint32_t in_user;          // not 0: the CPU has returned to ring 3; belongs to tlb.hpp
  std::uint64_t events[static_cast<std::size_t>(Event::kCount)];
  std::uint64_t invlpgs;       // single translations dropped from the TLB
  std::uint64_t full_flushes;  // whole TLBs flushed
  std::uint64_t shootdowns;    // begun on this CPU
  std::uint64_t ipis;          // sent for these shootdowns
  std::uint64_t switches;      // from one thread to another
  std::uint64_t steals;        // threads taken from another CPU's run queue
  std::uint64_t spaces;        // address spaces loaded
};

extern constinit PerCpu per_cpu[kMaxCpus];

/// This CPU's fields, named by those of CPU 0: this_cpu::read(this_cpu::fields.stamp). Volatile,
/// because the thread may be on another CPU at the next instruction. So the value is a hint, unless
/// interrupts or preemption are off, or the field describes the running thread.
namespace this_cpu {

inline constinit PerCpu& fields = per_cpu[0];

template <class T>
requires(sizeof(T) == 4) [[nodiscard]] inline T read(const T& field) {
  T value;
  asm volatile("movl %%fs:%1, %0" : "=r"(value) : "m"(field));
  return value;
}
template <class T>
requires(sizeof(T) == 4) inline void write(T& field, T value) {
  asm volatile("movl %1, %%fs:%0" : "=m"(field) : "ri"(value) : "memory");
}
/// One instruction, so that no interrupt comes between reading and writing.
inline void increment(std::uint32_t& field) {
  asm volatile("incl %%fs:%0" : "+m"(field)::"cc", "memory");
}
/// The same; returns whether the field is 0 now.
[[nodiscard]] inline bool decrement(std::uint32_t& field) {
  bool zero = false;
  asm volatile("decl %%fs:%0" : "+m"(field), "=@ccz"(zero)::"memory");
  return zero;
}
/// Two instructions. An interrupt between them does no harm, because it saves the carry. Nor does a
/// migration, because the sum over all CPUs is still right.
inline void add(std::uint64_t& field, std::uint64_t value) {
  using Half [[gnu::may_alias]] = std::uint32_t;
  auto* const halves = reinterpret_cast<Half*>(&field);
  asm volatile("addl %2, %%fs:%0\n\tadcl %3, %%fs:%1"
               : "+m"(halves[0]), "+m"(halves[1])
               : "ri"(static_cast<std::uint32_t>(value)),
                 "ri"(static_cast<std::uint32_t>(value >> 32))
               : "cc");
}

[[nodiscard]] inline Thread* current() { return read(fields.current); }
[[nodiscard]] inline CpuNumber number() { return CpuNumber{read(fields.number)}; }

}  // namespace this_cpu

/// A counter of one CPU, and its sum over all CPUs, named as above. Exact while no thread counts,
/// with one exception: if a thread was moved to another CPU while it counted across a multiple of
/// 2^32, that much is missing on one CPU, and too much on the other.
[[nodiscard]] std::uint64_t count_of_cpu(CpuNumber cpu, const std::uint64_t& field);
[[nodiscard]] std::uint64_t sum_over_cpus(const std::uint64_t& field);

}  // namespace kmapper::kernel
