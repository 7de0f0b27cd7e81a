// Decides which thread runs on which CPU. Each CPU has a run queue, and gives each thread a turn of
// one tick. A CPU with nothing to run takes a thread from another queue; if there is none it halts.
// A CPU that makes a thread ready interrupts a halted CPU.
//
// Lock order: a Spinlock before a run queue's lock; no CPU waits for a second run queue's lock.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/sched/run_queue.hpp"
#include "kernel/sched/spinlock.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

class Scheduler {
 public:
  constexpr Scheduler() = default;

  /// The calling context becomes this CPU's idle thread. Once on each CPU, with interrupts
  /// disabled, before anything else here.
  void start(Thread& idle);

  /// Makes a thread runnable that is new or sleeps until it is woken; has no effect on any other.
  /// Any context.
  void wake(Thread& thread);

  /// Ends the running thread.
  [[noreturn]] void exit(Ending ending);
  /// Sleeps until the thread has ended, and has left its stack.
  Ending wait_for_end(Thread& thread);

  /// Releases the lock, sleeps until wake() or until now_ns() reaches the deadline (UINT64_MAX:
  /// never), and takes the lock again. The caller may hold no other lock.
  void sleep(Spinlock& lock, std::uint64_t deadline_ns = UINT64_MAX);
  void sleep_until(std::uint32_t tick);
  /// Lets the other threads run first.
  void yield();
  /// Moves the running thread to that CPU, and keeps it there.
  void move_to(CpuNumber cpu);
  /// The running thread may move to other CPUs again.
  void roam();

  /// Gives the running thread these page directories; null: the kernel's. When it returns, no CPU
  /// uses the thread's old ones. Any thread.
  void use_directories(const PageDirectoryPointers* directories);

  /// Called in each CPU's timer interrupt.
  void tick();
  /// Ticks since start(), counted by CPU 0.
  [[nodiscard]] std::uint32_t now() const { return ticks_.load(std::memory_order_relaxed); }

  /// Whether this CPU is in the middle of a scheduling decision. Any context.
  [[nodiscard]] bool is_deciding() const;
  /// Whether there is a thread that this CPU could run. Interrupts or preemption must be disabled.
  [[nodiscard]] bool has_work();

  /// The first code of a new thread.
  [[noreturn]] void run_new_thread();

 private:
  [[nodiscard]] RunQueue& queue_of(CpuNumber cpu) { return queues_[to_number(cpu)]; }
  [[nodiscard]] RunQueue& own_queue() { return queue_of(this_cpu::number()); }
  RunQueue& lock_home(const Thread& thread);
  void switch_away(RunQueue& queue);
  static void load_directories_of(Thread& thread);
  [[nodiscard]] Thread* next_thread(RunQueue& queue);
  [[nodiscard]] Thread* steal();
  void finish_switch();
  void arrive(Thread& thread);
  void announce_end(Thread& thread);

  std::array<RunQueue, kMaxCpus> queues_{};
  std::atomic<std::uint32_t> ticks_{0};
  Spinlock ends_lock_{};  // guards what a thread that ends shares with the thread that waits for it
};

extern constinit Scheduler scheduler;

/// Called before an interrupt returns: gives the CPU away if the thread's turn is over.
void preempt_from_interrupt();

/// Runs ready threads, and halts when there are none. A CPU calls it when it has started.
[[noreturn]] void idle();

}  // namespace kmapper::kernel
