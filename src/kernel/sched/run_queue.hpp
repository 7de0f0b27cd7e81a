// What one CPU has to run, first come first served, and which of its threads it has to wake when.
// Other CPUs put threads in; one that has nothing to do takes some out.
//
// A thread's home is the CPU on whose queue it is put when it is ready; the lock of its home's
// queue guards the thread. A CPU holds the lock of its own queue across a switch, from the thread
// that leaves to the thread that comes, so that no CPU can take up a thread whose context is not
// saved yet, and no wake-up falls between the decision to sleep and the switch.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/sched/spinlock.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

class alignas(64) RunQueue {
 public:
  constexpr RunQueue() = default;

  /// Interrupts must be disabled.
  [[nodiscard]] RawSpinlock& lock() { return lock_; }
  [[nodiscard]] const RawSpinlock& lock() const { return lock_; }

  // All that follows needs the lock, but for the two questions.

  /// The thread is ready, and comes last.
  void put(Thread& thread);
  /// The thread that comes first, or the first of those that may go on on another CPU; or null.
  [[nodiscard]] Thread* take();
  [[nodiscard]] Thread* take_movable();

  /// Whether there is a thread to take. Any context; only a hint to who does not hold the lock.
  [[nodiscard]] bool has_ready() const { return ready_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool has_movable() const { return movable_.load(std::memory_order_relaxed) != 0; }

  /// The thread will be put at that tick, if it is not before; a tick that is not over yet.
  void start_timer(Thread& thread, std::uint32_t tick);
  /// Puts the threads whose time has come, up to this tick.
  void put_due(std::uint32_t tick);

  /// Who has just left the CPU. It is for who comes to see what is still to be done about that.
  Thread* left = nullptr;

 private:
  Thread* take_behind(Thread* before);
  void stop_timer(Thread& thread);

  RawSpinlock lock_;
  std::atomic<std::uint32_t> ready_{0};    // threads in the queue
  std::atomic<std::uint32_t> movable_{0};  // those that may go on on another CPU
  Thread* first_ = nullptr;
  Thread* last_ = nullptr;
  // A wheel of those that sleep until a tick at the latest: that tick is looked for in one spoke,
  // however many sleep.
  static constexpr std::uint32_t kSpokes = 64;
  Thread* spokes_[kSpokes]{};
  std::uint32_t tick_ = 0;  // up to which the due have been put
};

}  // namespace kmapper::kernel
