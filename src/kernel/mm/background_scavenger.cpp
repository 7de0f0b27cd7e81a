#include "kernel/mm/background_scavenger.hpp"

#include <algorithm>
#include <atomic>

#include "arch/cpus.hpp"
#include "core/scavenge.hpp"  // scavenge_ahead() is a template of its own
#include "kernel/mm/highmem.hpp"
#include "kernel/sched/scheduler.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kForEachCpu = 32;
constexpr std::uint32_t kBatch = 16;  // what a scavenge takes, about

constinit std::atomic<bool> is_off{false};

// Whether a tick has begun, and pages have been mapped on any CPU, since this CPU last looked.
// Without the tick, CPUs would wake each other by their shootdowns, and scavenge on.
bool is_due() {
  const std::uint32_t tick = scheduler.now();
  if (this_cpu::read(this_cpu::fields.looked_in_tick) == tick) return false;
  this_cpu::write(this_cpu::fields.looked_in_tick, tick);
  const auto misses = static_cast<std::uint32_t>(
      sum_over_cpus(this_cpu::fields.events[static_cast<std::size_t>(Event::miss)]));
  if (this_cpu::read(this_cpu::fields.misses_seen) == misses) return false;
  this_cpu::write(this_cpu::fields.misses_seen, misses);
  return true;
}

}  // namespace

std::uint32_t reserve_of_clean_slots() {
  return std::min(kForEachCpu * cpu_count(), highmem.slot_count() / 8);
}

void scavenge_in_background() {
  // Before the switch is looked at: see NoBackgroundScavenger(). And a batch is not left half done,
  // in the hand of a thread that runs only when nobody else does.
  const PreemptionOff whole_batches;
  if (is_off.load(std::memory_order_relaxed) || !is_due()) return;
  // This CPU's part of the reserve: each batch interrupts those that have work.
  std::uint32_t batches = kForEachCpu / kBatch;
  (void)highmem.scavenge_ahead(reserve_of_clean_slots(),
                               [&batches] { return batches-- == 0 || scheduler.has_work(); });
}

NoBackgroundScavenger::NoBackgroundScavenger() {
  is_off.store(true, std::memory_order_relaxed);
  // A CPU on which this thread has been has left scavenge_in_background(), and the switches order
  // its next look at is_off behind the store.
  for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) thread_move_to(CpuNumber{cpu});
  thread_roam();
}

NoBackgroundScavenger::~NoBackgroundScavenger() { is_off.store(false, std::memory_order_relaxed); }

}  // namespace kmapper::kernel
