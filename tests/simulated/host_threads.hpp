// One of the two ways in which a simulated machine runs its threads: as threads of the host, all at
// once, with real atomics. Runs are not repeatable, but fast, and ThreadSanitizer sees the races.
// For the torture test and the benches.
//
// A thread attaches itself to the machine before it uses it. Its CPU is a number that it may change
// at any time, and that other threads may share: so for the core, cpu() is only a hint. Interrupts
// off means that this thread may neither sleep nor wait; other threads on its CPU continue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <thread>

#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/platform.hpp"
#include "simulated/addresses.hpp"
#include "simulated/counters.hpp"
#include "simulated/machine.hpp"
#include "simulated/pte.hpp"
#include "simulated/random.hpp"
#include "simulated/stamp.hpp"

namespace kmapper::simulated {

class HostThreads {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::uint32_t speculate_every = 0;  // accesses to memory; 0: never
  };
  static constexpr std::size_t kMaxSlots = simulated::kMaxSlots;
  static constexpr bool kPosts = false;
  template <class T>
  using Atomic = std::atomic<T>;
  using LocalStack = kmapper::LocalStack<LocalPte, std::atomic>;

  class Lock;
  class Sleeper;
  class InterruptsOff;
  class PreemptionOff;
  class Attachment;

  HostThreads(Machine& machine, const Options& options) : machine_(machine), options_(options) {}

  [[nodiscard]] CpuIndex cpu() const { return self().cpu; }
  /// Moves the calling thread to another CPU.
  void migrate(CpuIndex cpu) {
    if (!self().local.is_empty())
      machine_.faults().record("a thread that holds a local mapping migrates");
    self().cpu = cpu;
  }
  /// Threads on the same CPU would share its local slots, so a thread that uses them needs a CPU of
  /// its own.
  [[nodiscard]] LocalStack& local_stack() const { return self().local; }
  [[nodiscard]] bool may_sleep() const {
    return self().interrupts_off == 0 && self().preemption_off == 0;
  }
  [[nodiscard]] bool may_flush() const { return self().interrupts_off == 0; }
  [[nodiscard]] bool interrupts_are_off() const { return self().interrupts_off != 0; }
  void relax() { std::this_thread::yield(); }
  void point() {}
  void change_pte(SlotIndex) {}
  void took_pte(SlotIndex, bool) {}
  void invalidated(std::uint32_t, std::span<const SlotIndex>) {}
  /// Interrupts another CPU; returns at once.
  void interrupt(CpuIndex) {}
  /// Called before an access to memory: some CPU may walk some PTE.
  void memory_access(const void*) {
    if (options_.speculate_every != 0 && self().random.one_in(options_.speculate_every))
      speculate();
  }

  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns);
  void wake(Sleeper& sleeper);

  [[nodiscard]] Stamp stamp() const { return self().stamp; }
  /// Sets the calling thread's clock, which its stamps show, to `tick`.
  void set_tick(std::uint16_t tick) { self().stamp.tick = tick; }
  [[nodiscard]] std::uint64_t age_ns(Stamp stamp) const {
    return static_cast<std::uint16_t>(self().stamp.tick - stamp.tick) * kNanosecondsPerTick;
  }
  [[nodiscard]] std::uint64_t now() const;
  void count(Event event, std::uint64_t n) { self().counters.add(event, n); }
  [[nodiscard]] std::uint64_t counted(Event event) const;

 private:
  struct Thread {
    Thread(CpuIndex on, std::uint16_t number, std::uint64_t seed)
        : cpu(on), stamp{number, 0}, random(seed) {}
    CpuIndex cpu;
    Stamp stamp;
    std::uint32_t interrupts_off = 0;
    std::uint32_t preemption_off = 0;
    Random random;
    Counters counters;
    LocalStack local;
  };

  [[nodiscard]] static Thread& self() { return *self_; }
  void speculate();

  static constexpr std::uint64_t kNanosecondsPerTick = 1'000'000;
  static inline thread_local constinit Thread* self_ = nullptr;

  Machine& machine_;
  const Options options_;
  mutable std::mutex threads_mutex_;
  std::list<Thread> threads_;  // of all threads that ever attached: their counts stay
};

/// While an object exists, the calling thread is one of the machine's.
class HostThreads::Attachment {
 public:
  Attachment(HostThreads& threads, CpuIndex cpu);
  ~Attachment() { self_ = outer_; }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  [[nodiscard]] std::uint16_t thread() const { return self_->stamp.thread; }

 private:
  Thread* outer_;
};

class HostThreads::InterruptsOff {
 public:
  explicit InterruptsOff(HostThreads&) { ++self().interrupts_off; }
  ~InterruptsOff() { --self().interrupts_off; }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;
};

class HostThreads::PreemptionOff {
 public:
  explicit PreemptionOff(HostThreads&) { ++self().preemption_off; }
  ~PreemptionOff() { --self().preemption_off; }
  PreemptionOff(const PreemptionOff&) = delete;
  PreemptionOff& operator=(const PreemptionOff&) = delete;
};

class HostThreads::Lock {
 public:
  void lock() {
    ++self().interrupts_off;
    mutex_.lock();
  }
  void unlock() {
    mutex_.unlock();
    --self().interrupts_off;
  }

 private:
  friend HostThreads;
  std::mutex mutex_;
};

class HostThreads::Sleeper {
 public:
  explicit Sleeper(HostThreads&) {}

 private:
  friend HostThreads;
  std::condition_variable condition_;
  bool woken_ = false;  // guarded by the lock of its sleep
};

}  // namespace kmapper::simulated
