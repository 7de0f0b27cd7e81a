#include "simulated/host_threads.hpp"

#include <chrono>

namespace kmapper::simulated {

HostThreads::Attachment::Attachment(HostThreads& threads, CpuIndex cpu) : outer_(self_) {
  const std::lock_guard lock(threads.threads_mutex_);
  const auto number = static_cast<std::uint16_t>(threads.threads_.size() + 1);
  self_ = &threads.threads_.emplace_back(cpu, number, threads.options_.seed + number);
}

std::uint64_t HostThreads::now() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::nanoseconds(since).count());
}

std::uint64_t HostThreads::counted(Event event) const {
  const std::lock_guard lock(threads_mutex_);
  std::uint64_t sum = 0;
  for (const Thread& thread : threads_) sum += thread.counters.value(event);
  return sum;
}

void HostThreads::speculate() {
  Random& random = self().random;
  const MachineShape& shape = machine_.shape();
  machine_.speculate(CpuIndex{random.below(shape.cpus)}, SlotIndex{random.below(shape.slots)});
}

void HostThreads::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  if (self().interrupts_off != 1 || self().preemption_off != 0) {
    machine_.faults().record("a thread sleeps where it may not");
  }
  --self().interrupts_off;
  std::unique_lock held(lock.mutex_, std::adopt_lock);
  const auto woken = [&sleeper] { return sleeper.woken_; };
  if (deadline_ns >= INT64_MAX) {  // beyond the range of the clock
    sleeper.condition_.wait(held, woken);
  } else {
    const std::chrono::nanoseconds since_epoch(deadline_ns);
    sleeper.condition_.wait_until(held, std::chrono::steady_clock::time_point(since_epoch), woken);
  }
  sleeper.woken_ = false;
  held.release();
  ++self().interrupts_off;
}

void HostThreads::wake(Sleeper& sleeper) {
  sleeper.woken_ = true;
  sleeper.condition_.notify_one();
}

}  // namespace kmapper::simulated
