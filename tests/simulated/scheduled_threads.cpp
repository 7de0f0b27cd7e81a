#include "simulated/scheduled_threads.hpp"

#include <utility>

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kSpuriousWake = 16;  // one sleep in so many ends without a reason

}  // namespace

ScheduledThreads::ScheduledThreads(Machine& machine, const Options& options)
    : machine_(machine), scheduler_(options.seed, machine.shape().cpus, options.chances) {
  scheduler_.on_switch([this](bool speculates) {
    if (speculates) speculate();
    return machine_.faults().empty();
  });
}

void ScheduledThreads::on_context_switch(
    std::function<void(LocalStack& from, LocalStack& to)> switch_stacks) {
  scheduler_.keep_on_cpu(
      [this](std::uint32_t thread) { return !local_stacks_[thread].is_empty(); });
  scheduler_.on_context_switch(
      [this, change = std::move(switch_stacks)](std::uint32_t from, std::uint32_t to) {
        if (from == 0 && idle_) idle_(false);
        change(local_stacks_[from], local_stacks_[to]);
        if (to == 0 && idle_) idle_(true);
      });
}

std::uint64_t ScheduledThreads::counted(Event event) const {
  std::uint64_t sum = 0;
  for (const Counters& counters : counters_) sum += counters.value(event);
  return sum;
}

void ScheduledThreads::speculate() {
  Random& random = scheduler_.random();
  const MachineShape& shape = machine_.shape();
  machine_.speculate(CpuIndex{random.below(shape.cpus)}, SlotIndex{random.below(shape.slots)});
}

void ScheduledThreads::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  lock.unlock();
  if (!may_sleep()) machine_.faults().record("a thread sleeps where it may not");
  // The platform's contract allows it.
  if (scheduler_.random().one_in(kSpuriousWake)) {
    scheduler_.relax();
  } else {
    const std::uint64_t until =
        deadline_ns == UINT64_MAX ? UINT64_MAX : deadline_ns / kNanosecondsPerStep + 1;
    while (!sleeper.woken_ && scheduler_.steps() < until)
      scheduler_.block("a slot, asleep in kmap", until);
  }
  sleeper.woken_ = false;
  lock.lock();
}

void ScheduledThreads::wake(Sleeper& sleeper) {
  sleeper.woken_ = true;
  scheduler_.unblock(sleeper.thread_);
}

}  // namespace kmapper::simulated
