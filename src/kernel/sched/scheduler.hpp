// Who runs. One run queue, first come first served, and a turn of one tick. One lock guards all of
// it; it is held across a switch, from the thread that leaves to the thread that comes, so that no
// CPU can take up a thread whose context is not saved yet, and no wake-up falls between the
// decision to sleep and the switch.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/sched/spinlock.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

class Scheduler {
 public:
  constexpr Scheduler() = default;

  /// The calling context becomes this CPU's idle thread. Once on each CPU, with interrupts
  /// disabled, before anything else here.
  void start(Thread& idle);

  /// Makes a thread runnable that sleeps until it is woken, or that is new; else nothing happens.
  /// Any context.
  void wake(Thread& thread);

  /// Ends the running thread.
  [[noreturn]] void exit(Ending ending);
  /// Sleeps until the thread has ended.
  Ending wait_for_end(Thread& thread);

  /// Gives the lock up, sleeps until wake() or until now_ns() reaches the deadline (UINT64_MAX:
  /// never), takes the lock again. The lock must be the only one held.
  void sleep(Spinlock& lock, std::uint64_t deadline_ns = UINT64_MAX);
  void sleep_until(std::uint32_t tick);
  /// Lets the others run first.
  void yield();

  /// In the timer's interrupt.
  void tick();
  /// Ticks since start().
  [[nodiscard]] std::uint32_t now() const { return ticks_.load(std::memory_order_relaxed); }

  /// Whether this CPU is in the middle of a scheduling decision. Any context.
  [[nodiscard]] bool is_deciding() const { return lock_.is_held_here(); }

  /// What a new thread does first.
  [[noreturn]] void run_new_thread();

 private:
  void switch_away();
  void make_ready(Thread& thread);
  void start_timer(Thread& thread, std::uint32_t tick);
  void stop_timer(Thread& thread);

  RawSpinlock lock_;
  Thread* first_ready_ = nullptr;
  Thread* last_ready_ = nullptr;
  // A wheel of those that sleep until a tick at the latest: that tick is looked for in one spoke,
  // however many sleep.
  static constexpr std::uint32_t kSpokes = 64;
  Thread* spokes_[kSpokes]{};
  std::atomic<std::uint32_t> ticks_{0};
};

extern constinit Scheduler scheduler;

/// What an interrupt does before it returns: gives the CPU away if the thread's turn is over.
void preempt_from_interrupt();

/// Runs whatever is runnable, and sleeps when there is nothing. What the boot CPU does when it has
/// booted.
[[noreturn]] void idle();

}  // namespace kmapper::kernel
