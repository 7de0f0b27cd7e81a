// Scheduled threads of a machine whose flushes are posted (kmapper/core/posted_flushes.hpp). A
// thread comes by for its CPU in come_by(), which stands for a timer tick, and lets its CPU idle in
// idle(). An interrupt of another CPU waits until that CPU takes interrupts.
#pragma once

#include "simulated/scheduled_threads.hpp"
#include "simulated/weak_threads.hpp"

namespace kmapper::simulated {

template <class Base>
class PostingThreads : public Base {
 public:
  static constexpr bool kPosts = true;
  using Base::Base;

  /// Calls the function while nothing else runs on that CPU, as an interrupt handler does.
  template <class Function>
  void run_on(CpuIndex cpu, Function function) {
    Scheduler& scheduler = this->scheduler();
    for (;; scheduler.relax()) {
      const typename Base::InterruptsOff off(*this);
      if (cpu == scheduler.cpu()) return function();
      if (scheduler.interrupts_are_off(cpu)) continue;
      scheduler.stop(cpu);
      function();
      return scheduler.go_on(cpu);
    }
  }
};

using PostingScheduledThreads = PostingThreads<ScheduledThreads>;
using PostingWeakThreads = PostingThreads<WeakThreads>;

}  // namespace kmapper::simulated
