// The context of a call: what is allowed with interrupts off, with a lock held, in an interrupt.
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

/// Null, or the platform's wrong answer in a context that may not wait.
template <Rig R>
const char* wrong_where_nothing_waits(Subject<R>& it) {
  if (it.platform.may_sleep())
    return "may_sleep() says yes where a sleep would never end: are interrupts off, and does it "
           "check that?";
  if (it.platform.may_flush())
    return "may_flush() says yes where waiting for other CPUs may deadlock: are interrupts off, "
           "and does it check that?";
  return nullptr;
}

template <Rig R>
Verdict the_suite_runs_where_it_may_wait(Subject<R>& it) {
  if (!it.platform.may_flush())
    return failed("may_flush() says no: run the suite with interrupts on and no lock held");
  if (HasThreads<R> && !it.platform.may_sleep())
    return failed("may_sleep() says no: run the suite in a thread, with preemption on");
  return passed();
}

template <Rig R>
Verdict interrupts_off_means_no_waiting(Subject<R>& it) {
  using Off = typename R::Platform::InterruptsOff;
  {
    const Off outer(it.platform);
    if (const char* wrong = wrong_where_nothing_waits(it)) return failed(wrong);
    { const Off inner(it.platform); }
    if (wrong_where_nothing_waits(it) != nullptr)
      return failed(
          "an InterruptsOff inside another turned interrupts on at its end: it must nest");
  }
  if (!it.platform.may_flush()) return failed("interrupts stay off after the last InterruptsOff");
  return passed();
}

template <Rig R>
Verdict a_lock_held_means_no_waiting(Subject<R>& it) {
  typename R::Platform::Lock lock{};
  lock.lock();
  const char* const wrong = wrong_where_nothing_waits(it);
  lock.unlock();
  if (wrong != nullptr) return failed(wrong);
  if (!it.platform.may_flush()) return failed("interrupts stay off after unlock()");
  {
    const typename R::Platform::InterruptsOff off(it.platform);
    lock.lock();
    lock.unlock();
    if (wrong_where_nothing_waits(it) != nullptr)
      return failed(
          "unlock() turned interrupts on that were off before lock(): it must put back "
          "what it found");
  }
  return passed();
}

template <Rig R>
Verdict an_interrupt_means_no_waiting(Subject<R>& it) {
  if constexpr (HasInterrupts<R>) {
    struct Found {
      Subject<R>* it;
      const char* wrong = "interrupt() returned, but no interrupt came";
    } found{&it};
    it.rig.interrupt(
        [](void* argument) {
          auto& self = *static_cast<Found*>(argument);
          self.wrong = wrong_where_nothing_waits(*self.it);
        },
        &found);
    return found.wrong == nullptr ? passed() : failed(found.wrong);
  } else {
    return skipped("the rig has no interrupts");
  }
}

template <Rig R>
struct Counting {
  static constexpr uint32_t kRounds = 300;
  typename R::Platform::Lock lock{};
  // Guarded by the lock:
  volatile uint32_t count = 0;
  bool met = false;  // one thread counted between two turns of the other
  typename Subject<R>::template Atomic<uint32_t> started{0};

  static void run(Subject<R>& it, Counting& self) {
    self.started.fetch_add(1, memory_order_relaxed);
    it.wait_for([&self] { return self.started.load(memory_order_relaxed) == 2; });
    uint32_t last = 0;
    for (uint32_t i = 0; i < kRounds; ++i) {
      self.lock.lock();
      const uint32_t before = self.count;
      if (i != 0 && before != last) self.met = true;
      last = before + 1;
      for (int turn = 0; turn < 3; ++turn) it.platform.relax();
      self.count = before + 1;
      self.lock.unlock();
    }
  }
};

template <Rig R>
Verdict a_lock_keeps_others_out(Subject<R>& it) {
  if constexpr (HasThreads<R>) {
    Counting<R> counting;
    {
      const Thread<R, Counting<R>> one(it, &Counting<R>::run, counting);
      const Thread<R, Counting<R>> two(it, &Counting<R>::run, counting);
      if (!one.started() || !two.started()) return failed(kNoThread);
    }
    if (counting.count != 2 * Counting<R>::kRounds)
      return failed(
          "two threads counted to # under a lock, and it should be #: the lock excludes nothing",
          counting.count, 2 * Counting<R>::kRounds);
    if (!counting.met) return skipped("no two threads ran at once");
    return passed();
  } else {
    return skipped(kNoThreads);
  }
}

template <Rig R>
inline constexpr Check<R> kContextChecks[] = {
    {"may_flush, may_sleep: the suite may wait", &the_suite_runs_where_it_may_wait<R>},
    {"InterruptsOff: no waiting inside, and it nests", &interrupts_off_means_no_waiting<R>},
    {"Lock: no waiting while it is held, and it puts interrupts back",
     &a_lock_held_means_no_waiting<R>},
    {"may_sleep, may_flush: no waiting in an interrupt", &an_interrupt_means_no_waiting<R>,
     "whether a kmap in an interrupt would sleep, or wait for ever"},
    {"Lock: it keeps others out", &a_lock_keeps_others_out<R>,
     "whether Lock excludes other threads: the queue of sleepers needs it"},
};

}  // namespace kmapper::conformance
