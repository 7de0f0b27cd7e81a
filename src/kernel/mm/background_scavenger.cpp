#include "kernel/mm/background_scavenger.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "arch/cpus.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kmapper/core/impl/scavenge.hpp"  // scavenge_ahead() is a template of its own

namespace kmapper::kernel {
namespace {

constinit std::atomic<bool> is_off{false};

constinit std::atomic<std::uint32_t> last_tick{0};  // the tick in which a CPU last scavenged
constinit std::atomic<std::uint32_t> misses_seen{
    0};  // at the last time that there were enough clean slots

// Whether no other CPU scavenges in this tick. Without this limit, CPUs would wake each other by
// their shootdowns and scavenge on; and all idle CPUs would interrupt a working CPU within the same
// kmap. Relaxed: the exchange alone decides which CPU was first.
bool is_first_in_tick() {
  const std::uint32_t tick = scheduler.now();
  return last_tick.load(std::memory_order_relaxed) != tick &&
         last_tick.exchange(tick, std::memory_order_relaxed) != tick;
}

// Sums over all CPUs, modulo 2^32.
std::uint32_t count_misses() {
  return static_cast<std::uint32_t>(
      sum_over_cpus(this_cpu::fields.events[static_cast<std::size_t>(Event::miss)]));
}

}  // namespace

std::uint32_t reserve_of_clean_slots() {
  constexpr std::uint32_t kForEachCpu = 32;
  return std::min(kForEachCpu * cpu_count(), highmem.slot_count() / 8);
}

void scavenge_in_background() {
  // Before the switch is read: see NoBackgroundScavenger(). It also keeps this thread, which runs
  // only on an idle CPU, from being preempted with a batch half done.
  const PreemptionOff whole_batches;
  if (is_off.load(std::memory_order_relaxed) || !is_first_in_tick()) return;
  const std::uint32_t misses = count_misses();
  if (misses_seen.load(std::memory_order_relaxed) == misses) return;
  // One batch only: it interrupts the CPUs that have work.
  bool has_been_asked = false;
  const auto is_over = [&has_been_asked] { return std::exchange(has_been_asked, true); };
  const std::uint32_t reserve = reserve_of_clean_slots();
  if (highmem.scavenge_ahead(reserve, is_over) >= reserve)
    misses_seen.store(misses, std::memory_order_relaxed);
}

NoBackgroundScavenger::NoBackgroundScavenger() {
  is_off.store(true, std::memory_order_relaxed);
  // Once this thread has run on a CPU, that CPU has left scavenge_in_background(), and the switches
  // order its next load of is_off behind the store.
  for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) thread_move_to(CpuNumber{cpu});
  thread_roam();
}

NoBackgroundScavenger::~NoBackgroundScavenger() { is_off.store(false, std::memory_order_relaxed); }

}  // namespace kmapper::kernel
