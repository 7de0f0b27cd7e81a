// When a page table's entry goes, every TLB that may hold it has to drop it before its page, or its
// address, is used again: the shootdown (SDM 3A 4.10.5). Whoever emptied entries calls shootdown(),
// once for all of them. It drops them here, interrupts the CPUs that may hold them, and waits until
// these have answered.
//
// A CPU that idles is left alone: it promises to drop everything before it does anything else. One
// word holds which CPUs are awake and how many shootdowns have begun. A shootdown adds one and sees
// who is awake in one instruction. A CPU that goes to sleep leaves the set, and one that wakes
// enters it again, each in one instruction as well, and each sees the count: if it is another than
// before the sleep, this CPU was spared an interrupt, and flushes its whole TLB.
//
// A CPU that is awake is told even if it has flushed its whole TLB since the entries were emptied:
// shootdown() follows within microseconds, so that hardly ever spares an interrupt, and to know it
// would cost every scavenge.
//
// No entry is global (SDM 3A 4.10.2.4), so a load of CR3 drops all of them.
#pragma once

#include <cstdint>
#include <span>

#include "arch/atomic.hpp"
#include "arch/per_cpu.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Drops translations of pages whose entries have been emptied, on all CPUs; no pages: all
/// translations. Returns when no CPU uses them any more. Interrupts must be enabled, and no
/// spinlock held. A CPU that does not answer within a second is reported; the caller waits on.
void shootdown(std::span<const VirtAddr> pages);

/// Drops all translations from this CPU's TLB, and counts that. (SDM 3A 4.10.4.1)
void flush_all();

/// Drops one translation from this CPU's TLB, and counts that.
void invalidate_page(VirtAddr address);
/// For those who drop many, and count them by themselves.
inline void invalidate_page_uncounted(const void* address) {
  asm volatile("invlpg %0" ::"m"(*static_cast<const char*>(address)) : "memory");
}

// --- The halves of shootdown(), for who has many to do ---

namespace tlb {

inline constexpr std::uint32_t kOneShootdown = 1U << kMaxCpus;
inline constexpr std::uint32_t kAwake = kOneShootdown - 1;
/// CPUs that are awake, a bit each; above them, how many shootdowns have begun.
inline constinit Atomic<std::uint32_t> state{};

/// Begins a shootdown. Returns the CPUs that have to be told: by tell(), or, when there are none,
/// the caller drops the translations from its own TLB. Interrupts must be disabled until then.
[[nodiscard]] inline CpuSet begin_shootdown() {
  this_cpu::add(this_cpu::fields.shootdowns, 1);
  // A barrier: the entries were emptied before; a CPU that wakes later comes after that.
  const std::uint32_t before = state.fetch_add(kOneShootdown, std::memory_order_seq_cst);
  return CpuSet{before & this_cpu::read(this_cpu::fields.other_cpus)};
}

/// Tells these CPUs, drops the translations here too, and waits. Enables interrupts. More pages
/// than kMostPages, or none: all drop everything.
void tell(CpuSet cpus, std::span<const VirtAddr> pages);
inline constexpr std::size_t kMostPages = 32;

/// This CPU takes part from now on. Each CPU, once; interrupts disabled.
void start();

/// The CPU is about to halt, and touches no translation that a shootdown may be about until
/// leave_idle(). Interrupts must be disabled.
void enter_idle();
/// Nothing if the CPU does not idle. Before anything else that an interrupt does.
void leave_idle();
/// From now on every nth CPU that has to be told is not, and counts as having answered; 0: all are.
/// For the test of the tests: stale translations must be noticed. Checked builds only.
void drop_answers(std::uint32_t every);

/// How much there was to tell. Exact while no CPU begins a shootdown.
struct Shootdowns {
  std::uint64_t begun;
  std::uint64_t ipis;
  std::uint64_t ipis_avoided;  // other CPUs that run, and had not to be interrupted
};
/// By this CPU.
[[nodiscard]] Shootdowns shootdowns_of(CpuNumber cpu);
/// By all CPUs.
[[nodiscard]] Shootdowns shootdowns();

/// The CPUs that idle. Ordered behind what the caller has written before.
[[nodiscard]] CpuSet idle_cpus();

}  // namespace tlb
}  // namespace kmapper::kernel
