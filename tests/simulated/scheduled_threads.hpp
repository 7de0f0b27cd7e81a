// The other way in which a simulated machine runs its threads: one at a time, in the order that a
// seed chooses (scheduler.hpp). A failure repeats with the same seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>

#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/platform.hpp"
#include "simulated/addresses.hpp"
#include "simulated/counters.hpp"
#include "simulated/machine.hpp"
#include "simulated/pte.hpp"
#include "simulated/scheduled_atomic.hpp"
#include "simulated/scheduler.hpp"
#include "simulated/stamp.hpp"

namespace kmapper::simulated {

/// The scheduler's threads. Only they may call its functions, except the constructor and counted().
class ScheduledThreads {
 public:
  struct Options {
    std::uint64_t seed = 1;
    Chances chances{};
  };
  static constexpr std::size_t kMaxSlots = simulated::kMaxSlots;
  static constexpr bool kPosts = false;
  template <class T>
  using Atomic = ScheduledAtomic<T>;
  using LocalStack = kmapper::LocalStack<LocalPte, ScheduledAtomic>;

  class Lock;
  class Sleeper;
  class InterruptsOff;
  class PreemptionOff;

  ScheduledThreads(Machine& machine, const Options& options);

  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }

  [[nodiscard]] CpuIndex cpu() const { return scheduler_.cpu(); }
  [[nodiscard]] bool may_sleep() const { return may_flush() && !scheduler_.preemption_is_off(); }
  [[nodiscard]] bool may_flush() const { return !scheduler_.interrupts_are_off(); }
  [[nodiscard]] bool interrupts_are_off() const { return scheduler_.interrupts_are_off(); }
  void relax() { scheduler_.relax(); }
  void point() { scheduler_.point(); }
  /// Waits until the CPU takes interrupts: a CPU with interrupts off answers when it turns them on.
  void interrupt(CpuIndex cpu) {
    scheduler_.point();
    while (scheduler_.interrupts_are_off(cpu)) scheduler_.relax();
  }
  /// Called before an access to memory, or a change of a PTE.
  void memory_access(const void*) { scheduler_.point(); }
  void change_pte(SlotIndex) { scheduler_.point(); }
  /// Called after a PTE was taken. `accessed`: TLBs may hold it.
  void took_pte(SlotIndex, bool) {}
  /// Called after these CPUs, a bit each, have dropped these slots.
  void invalidated(std::uint32_t, std::span<const SlotIndex>) {}
  /// Called before the CPU goes idle, and after it has woken.
  void enters_idle(CpuIndex) {}
  void has_left_idle(CpuIndex) {}

  /// Sets what a context switch does with the local mappings of the two threads; from then on, a
  /// thread that holds some stays on its CPU. Not during run().
  void on_context_switch(std::function<void(LocalStack& from, LocalStack& to)> switch_stacks);
  /// Sets what a CPU does when its last thread leaves it (true), and when it has a thread again.
  /// At first no CPU has one. With on_context_switch().
  void on_idle(std::function<void(bool is_idle)> hook) { idle_ = std::move(hook); }
  [[nodiscard]] LocalStack& local_stack() { return local_stacks_[scheduler_.sequence()]; }

  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns);
  void wake(Sleeper& sleeper);

  [[nodiscard]] Stamp stamp() const {
    return {static_cast<std::uint16_t>(scheduler_.thread()),
            static_cast<std::uint16_t>(scheduler_.steps() / kStepsPerTick)};
  }
  [[nodiscard]] std::uint64_t age_ns(Stamp stamp) const {
    const auto ticks = static_cast<std::uint16_t>(this->stamp().tick - stamp.tick);
    return ticks * kStepsPerTick * kNanosecondsPerStep;
  }
  [[nodiscard]] std::uint64_t now() const { return scheduler_.steps() * kNanosecondsPerStep; }
  void count(Event event, std::uint64_t n) { counters_[to_number(cpu())].add(event, n); }
  [[nodiscard]] std::uint64_t counted(Event event) const;

 private:
  static constexpr std::uint64_t kStepsPerTick = 1'000;
  static constexpr std::uint64_t kNanosecondsPerStep = 10;

  void speculate();

  Machine& machine_;
  Scheduler scheduler_;
  std::array<Counters, kMaxCpus> counters_{};
  std::function<void(bool)> idle_;
  std::map<std::uint32_t, LocalStack> local_stacks_;  // by thread; 0: the stack of idle CPUs
};

class ScheduledThreads::InterruptsOff {
 public:
  explicit InterruptsOff(ScheduledThreads& threads) : scheduler_(threads.scheduler_) {
    scheduler_.interrupts_off();
  }
  ~InterruptsOff() { scheduler_.interrupts_on(); }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;

 private:
  Scheduler& scheduler_;
};

class ScheduledThreads::PreemptionOff {
 public:
  explicit PreemptionOff(ScheduledThreads& threads) : scheduler_(threads.scheduler_) {
    scheduler_.preemption_off();
  }
  ~PreemptionOff() { scheduler_.preemption_on(); }
  PreemptionOff(const PreemptionOff&) = delete;
  PreemptionOff& operator=(const PreemptionOff&) = delete;

 private:
  Scheduler& scheduler_;
};

/// Outside Scheduler::run() there is no other thread to exclude.
class ScheduledThreads::Lock {
 public:
  void lock() {
    Scheduler* const scheduler = Scheduler::current();
    if (scheduler != nullptr) {
      scheduler->interrupts_off();
      scheduler->point();
      scheduler->stall_while(locked_);
      scheduler->progress();
    }
    locked_ = true;
  }
  void unlock() {
    locked_ = false;
    if (Scheduler* const scheduler = Scheduler::current()) {
      scheduler->progress();
      scheduler->interrupts_on();
    }
  }

 private:
  bool locked_ = false;
};

class ScheduledThreads::Sleeper {
 public:
  explicit Sleeper(ScheduledThreads& threads) : thread_(threads.scheduler_.thread()) {}

 private:
  friend ScheduledThreads;
  std::uint32_t thread_;
  bool woken_ = false;
};

}  // namespace kmapper::simulated
