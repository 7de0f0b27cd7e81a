// The shootdown (SDM 3A 4.10.5): when a page-table entry is emptied, every TLB that may hold it
// must drop it before its page, or its address, is used again. The thread that emptied entries
// calls shootdown(), once for all of them. It drops them here, interrupts the CPUs that may hold
// them, and waits until these have answered.
//
// An idle CPU is not interrupted: it promises to drop everything before it does anything else. A
// shootdown is a post, too (kmapper/core/posted_flushes.hpp): it tells which CPUs are awake.
//
// The window posts its flushes, and interrupts no CPU for most of them. A CPU comes by at each
// tick, at each load of CR3, and when it is interrupted to drop everything. A CPU that drops single
// pages for a shootdown() notes nothing, and so drops everything at its next tick.
//
// No entry is global (SDM 3A 4.10.2.4), so a load of CR3 drops all of them.
#pragma once

#include <cstdint>
#include <span>

#include "arch/atomic.hpp"
#include "arch/per_cpu.hpp"
#include "kernel/mm/address.hpp"
#include "kmapper/core/posted_flushes.hpp"

namespace kmapper::kernel {

/// Drops translations of pages whose entries have been emptied, on all CPUs; no pages: all
/// translations. Returns when no CPU uses them any more. Interrupts must be enabled, and no
/// spinlock held. A CPU that does not answer within a second is reported; the caller waits on.
void shootdown(std::span<const VirtAddr> pages);

/// The posts of all CPUs.
inline constinit PostedFlushes<kMaxCpus, Atomic> posted_flushes{};

/// Drops all translations from this CPU's TLB, and counts that. (SDM 3A 4.10.4.1) With interrupts
/// disabled, and noted in posted_flushes.
void flush_all();
/// The drop alone, for callers that note it.
void flush_all_unnoted();
/// flush_all() if there was a post that this CPU has not dropped. Interrupts disabled.
inline void flush_posted() {
  if (posted_flushes.is_behind(this_cpu::read(this_cpu::fields.number), 1)) flush_all();
}

/// Drops one translation from this CPU's TLB, and counts that.
void invalidate_page(VirtAddr address);
/// For callers that drop many, and count them themselves.
inline void invalidate_page_uncounted(const void* address) {
  asm volatile("invlpg %0" ::"m"(*static_cast<const char*>(address)) : "memory");
}

namespace tlb {

/// A shootdown of more pages drops everything.
inline constexpr std::size_t kMostPages = 32;

/// Makes these CPUs drop everything and note it in posted_flushes, and waits. This CPU may be one
/// of them. No spinlock held. Enables interrupts.
void call(CpuSet cpus);

/// Makes this CPU take part from now on. Each CPU, once; interrupts disabled.
void start();

/// The CPU is about to halt. It uses no translation that a shootdown may concern until
/// leave_idle(). Interrupts must be disabled.
void enter_idle();
/// Does nothing if the CPU is not idle. Before anything else that an interrupt does. The CPU's tick
/// goes on while it idles, so it wakes long before half of the count of posts, 2^23, has gone by.
void leave_idle();
/// The CPU returns to ring 3. Interrupts must be disabled until then.
inline void enter_user() {
  this_cpu::write(this_cpu::fields.in_user, 1U);
  posted_flushes.enter_user(this_cpu::read(this_cpu::fields.number));
}
/// Does nothing if the CPU was not in ring 3. Before anything else that a trap does; interrupts
/// disabled.
inline void leave_user() {
  if (this_cpu::read(this_cpu::fields.in_user) == 0) return;
  this_cpu::write(this_cpu::fields.in_user, 0U);
  posted_flushes.leave_user(this_cpu::read(this_cpu::fields.number), flush_all_unnoted);
}

/// From now on every nth answer to an interrupt is wrong: the CPU drops nothing, and says that it
/// has; 0: none is. For the test of the tests: they must notice stale translations. Checked builds
/// only.
void lose_answers(std::uint32_t every);

/// Single translations dropped from TLBs, by all CPUs.
[[nodiscard]] std::uint64_t invlpgs();

/// Counts of shootdowns. Exact while no CPU begins a shootdown.
struct Shootdowns {
  std::uint64_t begun;  // shootdown() and call(); a post alone is none
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
