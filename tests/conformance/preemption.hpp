// Whether InterruptsOff does what it says. (context.hpp checks the platform's answers inside it.)
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

/// A thread that runs beside the suite's, and counts its turns on one CPU.
template <Rig R>
struct Beside {
  // Sequentially consistent: a turn that is counted during a spin began after the spin.
  typename Subject<R>::template Atomic<uint32_t> cpu{UINT32_MAX};  // the CPU to count on
  typename Subject<R>::template Atomic<uint32_t> turns{0};
  typename Subject<R>::template Atomic<uint32_t> over{0};

  static void run(Subject<R>& it, Beside& self) {
    constexpr int kTurns = 100;  // turns until it yields, in case threads are not preempted
    for (; self.over.load(memory_order_relaxed) == 0; it.rig.yield()) {
      for (int turn = 0; turn < kTurns; ++turn) {
        if (it.platform.cpu() == self.cpu.load(memory_order_seq_cst))
          self.turns.fetch_add(1, memory_order_seq_cst);
        it.platform.relax();
      }
    }
  }
  /// Spins on this CPU, for so many turns or until the deadline, or until the other thread has had
  /// two turns on this CPU: it may have read its CPU before the first. Returns the turns that it
  /// took; 0: the other thread never ran here.
  uint32_t spin(Subject<R>& it, uint32_t most, uint64_t deadline) {
    cpu.store(it.platform.cpu(), memory_order_seq_cst);
    const uint32_t before = turns.load(memory_order_seq_cst);
    for (uint32_t turn = 1; turn <= most; ++turn) {
      it.platform.relax();
      if (turns.load(memory_order_seq_cst) - before >= 2) return turn;
      if (deadline != UINT64_MAX && it.platform.now() >= deadline) break;
    }
    return 0;
  }
};

template <Rig R>
Verdict interrupts_off_means_alone(Subject<R>& it) {
  constexpr uint64_t kLongest = 100'000'000;  // nanoseconds until a thread is preempted
  constexpr uint32_t kMost = 10'000'000;
  if constexpr (HasThreads<R>) {
    Beside<R> beside;
    Verdict verdict = passed();
    const Thread<R, Beside<R>> other(it, &Beside<R>::run, beside);
    if (!other.started()) return failed(kNoThread);
    for (int round = 0; round < 3 && verdict.kind == Verdict::Kind::passed; ++round) {
      const uint32_t turns = beside.spin(it, kMost, it.platform.now() + kLongest);
      if (turns == 0) verdict = skipped("no thread was preempted by another");
      const typename R::Platform::InterruptsOff off(it.platform);
      if (turns != 0 && beside.spin(it, 2 * turns + 1000, UINT64_MAX) != 0)
        verdict = failed(
            "another thread ran on CPU # while an InterruptsOff existed there: it must stop "
            "interrupts, and with them preemption",
            it.platform.cpu());
    }
    beside.over.store(1, memory_order_relaxed);
    return verdict;
  } else {
    return skipped(kNoThreads);
  }
}

template <Rig R>
inline constexpr Check<R> kPreemptionChecks[] = {
    {"InterruptsOff: no other thread runs on this CPU meanwhile", &interrupts_off_means_alone<R>,
     "whether InterruptsOff stops interrupts, or only claims to"},
};

}  // namespace kmapper::conformance
