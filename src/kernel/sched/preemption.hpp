// Keeps a thread on its CPU without disabling interrupts.
#pragma once

#include "arch/per_cpu.hpp"

namespace kmapper::kernel {

/// Gives the CPU to the next thread if this thread's turn is over. Any context; does nothing where
/// the thread may not be switched.
void preempt_if_due();

/// While an object exists, the thread keeps its CPU. Nests. The thread must not sleep.
class PreemptionOff {
 public:
  PreemptionOff() { this_cpu::increment(this_cpu::fields.preemption_off); }
  ~PreemptionOff() {
    if (!this_cpu::decrement(this_cpu::fields.preemption_off)) return;
    if (this_cpu::read(this_cpu::fields.reschedule) != 0) [[unlikely]]
      preempt_if_due();
  }
  PreemptionOff(const PreemptionOff&) = delete;
  PreemptionOff& operator=(const PreemptionOff&) = delete;
};

/// Whether an interrupt handler is running. Any context.
[[nodiscard]] inline bool in_interrupt() {
  return this_cpu::read(this_cpu::fields.interrupt_depth) != 0;
}
/// Whether a spinlock is held. Any context.
[[nodiscard]] inline bool holds_spinlock() {
  return this_cpu::read(this_cpu::fields.last_lock) != nullptr;
}
/// Whether the caller may sleep. Any context.
[[nodiscard]] inline bool may_sleep() {
  return this_cpu::read(this_cpu::fields.preemption_off) == 0 && !in_interrupt() &&
         !holds_spinlock() && interrupts_enabled();
}

}  // namespace kmapper::kernel
