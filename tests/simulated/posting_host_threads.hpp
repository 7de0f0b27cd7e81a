// Threads of the host on a machine whose flushes are posted (kmapper/core/posted_flushes.hpp). A
// thread with interrupts off has its CPU for itself: other threads on that CPU wait before they
// turn their interrupts off, and so does run_on(), which stands for an interrupt. Threads with
// interrupts on share their CPU, so a CPU may idle only while it has one thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "simulated/host_threads.hpp"

namespace kmapper::simulated {

class PostingHostThreads : public HostThreads {
 public:
  static constexpr bool kPosts = true;

  class Lock;
  class InterruptsOff;
  class Attachment;

  using HostThreads::HostThreads;

  /// Calls the function while no thread on that CPU has interrupts off, as an interrupt handler
  /// does. The caller has interrupts on.
  template <class Function>
  void run_on(CpuIndex cpu, Function function) {
    const std::lock_guard has_cpu(cpus_[to_number(cpu)].owner);
    function();
  }

  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns);

 private:
  // A thread takes its CPU before any Lock, and gives it up after all of them.
  struct alignas(64) Cpu {
    std::mutex owner;
  };
  void take_cpu() {
    if (!interrupts_are_off()) cpus_[to_number(cpu())].owner.lock();
  }
  void give_cpu() {
    if (!interrupts_are_off()) cpus_[to_number(cpu())].owner.unlock();
  }

  static inline thread_local constinit PostingHostThreads* current_ = nullptr;  // the caller's

  std::array<Cpu, kMaxCpus> cpus_;
};

class PostingHostThreads::Attachment : public HostThreads::Attachment {
 public:
  Attachment(PostingHostThreads& threads, CpuIndex cpu)
      : HostThreads::Attachment(threads, cpu), outer_(std::exchange(current_, &threads)) {}
  ~Attachment() { current_ = outer_; }
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

 private:
  PostingHostThreads* outer_;
};

class PostingHostThreads::InterruptsOff {
 public:
  explicit InterruptsOff(PostingHostThreads& threads) : threads_(threads) {
    threads.take_cpu();
    off_.emplace(threads);
  }
  ~InterruptsOff() {
    off_.reset();
    threads_.give_cpu();
  }
  InterruptsOff(const InterruptsOff&) = delete;
  InterruptsOff& operator=(const InterruptsOff&) = delete;

 private:
  PostingHostThreads& threads_;
  std::optional<HostThreads::InterruptsOff> off_;
};

class PostingHostThreads::Lock : public HostThreads::Lock {
 public:
  void lock() {
    current_->take_cpu();
    HostThreads::Lock::lock();
  }
  void unlock() {
    HostThreads::Lock::unlock();
    current_->give_cpu();
  }
};

/// The CPU is another thread's meanwhile.
inline void PostingHostThreads::sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
  cpus_[to_number(cpu())].owner.unlock();
  HostThreads::sleep(lock, sleeper, deadline_ns);
  // The CPU comes before the lock. A wake() in between is kept for the next sleep.
  lock.HostThreads::Lock::unlock();
  lock.lock();
}

}  // namespace kmapper::simulated
