// Threads that run until they yield, on all CPUs. One queue has all threads that do not run. Each
// CPU loops on a stack of its own: it takes a thread from the queue, runs it until it yields, and
// puts it back. So a thread is in the queue only when its registers are saved.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/platform.hpp"
#include "machine.hpp"

namespace port {

inline constexpr uint32_t kMaxCpus = 4;
inline constexpr uint32_t kAnyCpu = UINT32_MAX;

/// Interrupts are off while it is held.
class SpinLock {
 public:
  void lock() {
    const bool were_on = machine::interrupts_are_on();
    machine::interrupts_off();
    while (held_.exchange(1, kmapper::memory_order_acquire) != 0) {
      while (held_.load(kmapper::memory_order_relaxed) != 0) machine::relax();
    }
    were_on_ = were_on;
  }
  void unlock() {
    const bool were_on = were_on_;
    held_.store(0, kmapper::memory_order_release);
    if (were_on) machine::interrupts_on();
  }

 private:
  kmapper::Atomic<uint32_t> held_{0};
  bool were_on_ = false;  // guarded by the lock
};

using LocalStack = kmapper::LocalStack<machine::Entry, kmapper::Atomic>;

/// The queue's lock hands a thread from CPU to CPU: while it runs, its CPU has it; otherwise the
/// lock guards it.
struct Thread {
  void* stack = nullptr;  // where its registers are, while it does not run
  void* top = nullptr;    // of its memory, which the next thread in this place uses again
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
  bool is_free = true;   // its stack is not used
  bool is_over = false;  // the function has returned
  uint32_t pinned_to = kAnyCpu;
  uint32_t last_cpu = 0;
  Thread* next = nullptr;  // in the queue
  LocalStack local_stack;  // for kmapper
};

/// Of 64 bits, in two halves: to add one costs two instructions less where registers have 32.
struct Counter {
  uint32_t low, high;
  void add(uint32_t n) {
    low += n;
    if (low < n) [[unlikely]]
      ++high;
  }
  [[nodiscard]] uint64_t value() const { return uint64_t{high} << 32 | low; }
};

struct alignas(64) Cpu {
  Thread* running;
  Counter counts[static_cast<uint32_t>(kmapper::Event::kCount)];  // for kmapper
};
extern Cpu cpus[kMaxCpus];
inline Cpu& this_cpu() { return *static_cast<Cpu*>(machine::own()); }
inline Thread& running() { return *this_cpu().running; }

/// False: there are too many threads.
bool start_thread(void (*function)(void*), void* argument, uint32_t cpu = kAnyCpu);
/// Lets another thread run. The caller may continue on another CPU, if it is not pinned and has no
/// local mappings.
void yield();
/// Runs the function on that CPU, by moving the caller. False: there is no such CPU. The caller has
/// no local mappings.
bool run_on(uint32_t cpu, void (*function)(void*), void* argument);
/// This CPU runs threads from now on.
[[noreturn]] void run_threads();

}  // namespace port
