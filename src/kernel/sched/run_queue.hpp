// The threads that one CPU has to run, first come first served, and those that it has to wake at
// some tick. Other CPUs put threads in; a CPU with nothing to do takes some out.
//
// A thread's home is the CPU on whose queue it is put when it is ready; the lock of that queue
// guards the thread. A CPU holds the lock of its own queue across a switch, from the old thread to
// the new one. So no CPU can run a thread whose context is not saved yet, and no wake-up falls
// between the decision to sleep and the switch.
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

  // All that follows needs the lock, except has_ready() and has_movable().

  /// The thread is ready, and goes to the end.
  void put(Thread& thread);
  /// Takes the first thread, or the first that may move to another CPU; null if there is none.
  [[nodiscard]] Thread* take();
  [[nodiscard]] Thread* take_movable();

  /// Whether there is a thread to take. Any context; without the lock it is only a hint.
  [[nodiscard]] bool has_ready() const { return ready_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] bool has_movable() const { return movable_.load(std::memory_order_relaxed) != 0; }

  /// Puts the thread into the queue at that tick, unless it is put earlier. The tick must not be
  /// over yet.
  void start_timer(Thread& thread, std::uint32_t tick);
  /// Puts the threads into the queue whose tick has come, up to this tick.
  void put_due(std::uint32_t tick);

  /// The thread that has just left the CPU. The next thread finishes the switch for it.
  Thread* left = nullptr;

 private:
  Thread* take_behind(Thread* before);
  void stop_timer(Thread& thread);

  RawSpinlock lock_;
  std::atomic<std::uint32_t> ready_{0};    // threads in the queue
  std::atomic<std::uint32_t> movable_{0};  // those that may move to another CPU
  Thread* first_ = nullptr;
  Thread* last_ = nullptr;
  // A wheel of the threads that sleep with a deadline. The wake at a tick looks through one spoke
  // only, however many threads sleep.
  static constexpr std::uint32_t kSpokes = 64;
  Thread* spokes_[kSpokes]{};
  std::uint32_t tick_ = 0;  // due threads up to this tick have been put into the queue
};

}  // namespace kmapper::kernel
