// The shootdown (SDM 3A 4.10.5): when a page-table entry is emptied, every TLB that may hold it
// must drop it before its page, or its address, is used again. The thread that emptied entries
// calls shootdown(), once for all of them. It drops them here, interrupts the CPUs that may hold
// them, and waits until these have answered.
//
// An idle CPU is not interrupted: it promises to drop everything before it does anything else. One
// word holds the set of awake CPUs and the number of shootdowns begun. A shootdown adds one and
// reads the set in one instruction. A CPU that goes idle leaves the set, and a CPU that wakes
// enters it, each in one instruction that also reads the count. If the count has changed during the
// sleep, the CPU was spared an interrupt, and flushes its whole TLB.
//
// An awake CPU is told even if it has flushed its whole TLB since the entries were emptied.
// shootdown() follows within microseconds, so to know this would hardly ever spare an interrupt,
// and would cost every scavenge.
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
/// For callers that drop many, and count them themselves.
inline void invalidate_page_uncounted(const void* address) {
  asm volatile("invlpg %0" ::"m"(*static_cast<const char*>(address)) : "memory");
}

// --- The halves of shootdown(), for callers with many shootdowns ---

namespace tlb {

inline constexpr std::uint32_t kOneShootdown = 1U << kMaxCpus;
inline constexpr std::uint32_t kAwake = kOneShootdown - 1;
/// The awake CPUs, a bit each; above these bits, the number of shootdowns begun.
inline constinit Atomic<std::uint32_t> state{};

/// Begins a shootdown. Returns the CPUs that have to be told by tell(). If there are none, the
/// caller drops the translations from its own TLB. Interrupts must be disabled until then.
[[nodiscard]] inline CpuSet begin_shootdown() {
  this_cpu::add(this_cpu::fields.shootdowns, 1);
  // A barrier: the entries were emptied before it; a CPU that wakes later comes after it.
  const std::uint32_t before = state.fetch_add(kOneShootdown, std::memory_order_seq_cst);
  return CpuSet{before & this_cpu::read(this_cpu::fields.other_cpus)};
}

/// Tells these CPUs, drops the translations here too, and waits. Enables interrupts. If there are
/// no pages, or more than kMostPages, all CPUs drop everything.
void tell(CpuSet cpus, std::span<const VirtAddr> pages);
inline constexpr std::size_t kMostPages = 32;

/// Makes this CPU take part from now on. Each CPU, once; interrupts disabled.
void start();

/// The CPU is about to halt. It uses no translation that a shootdown may concern until
/// leave_idle(). Interrupts must be disabled.
void enter_idle();
/// Does nothing if the CPU is not idle. Before anything else that an interrupt does.
void leave_idle();
/// From now on every nth CPU that has to be told is not told, and counts as having answered; 0: all
/// are told. For the test of the tests: they must notice stale translations. Checked builds only.
void drop_answers(std::uint32_t every);

/// Counts of shootdowns. Exact while no CPU begins a shootdown.
struct Shootdowns {
  std::uint64_t begun;
  std::uint64_t ipis;
  std::uint64_t ipis_avoided;  // other running CPUs that did not have to be interrupted
};
/// By this CPU.
[[nodiscard]] Shootdowns shootdowns_of(CpuNumber cpu);
/// By all CPUs.
[[nodiscard]] Shootdowns shootdowns();

/// The idle CPUs. Ordered after what the caller has written before.
[[nodiscard]] CpuSet idle_cpus();

}  // namespace tlb
}  // namespace kmapper::kernel
