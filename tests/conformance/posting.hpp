// Flushes that a platform posts (kmapper/core/posted_flushes.hpp): the bare numbers. Which CPUs are
// awake, and do they come by, at their timer ticks and when they are called? dropping.hpp checks
// whether a CPU that has come by has dropped its TLB.
#pragma once

#include "conformance/shootdown.hpp"

namespace kmapper::conformance {

/// How long a CPU may take to come by at its timer tick.
inline constexpr uint64_t kLongestTick = kNanosecondsPerSecond;

/// Posts that slots were taken. Nobody has dropped them yet, the caller's CPU neither.
template <Rig R>
uint32_t post(Subject<R>& it) {
  const typename R::Platform::InterruptsOff same_cpu(it.platform);
  return it.platform.posted_flushes().post().number;
}
/// Spins until these CPUs, a bit each, have come by, but not for longer than a tick. Returns
/// whether they have. Nobody is called.
template <Rig R>
bool pass_by_themselves(Subject<R>& it, uint32_t number, uint32_t cpus) {
  typename Subject<R>::template Atomic<uint32_t> turns{0};  // they take time on any machine
  const uint64_t deadline = it.platform.now() + kLongestTick;
  while ((it.platform.posted_flushes().late(number) & cpus) != 0) {
    if (it.platform.now() >= deadline) return false;
    turns.fetch_add(1, memory_order_relaxed);
    it.platform.relax();
  }
  return true;
}

/// What a CPU finds out about itself.
struct Self {
  uint32_t cpu;
  bool right = false;
};
/// Whether the function finds all CPUs right.
template <Rig R>
Verdict on_each_cpu(Subject<R>& it, void (*function)(Subject<R>&, Self&), const char* otherwise) {
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus; ++cpu) {
    Self self{cpu};
    if (it.run_on(cpu, function, self) && !self.right) return failed(otherwise, cpu);
  }
  return passed();
}

template <Rig R>
Verdict running_cpus_are_awake(Subject<R>& it) {
  const auto look = [](Subject<R>& subject, Self& self) {
    self.right = (subject.platform.posted_flushes().awake() & 1U << self.cpu) != 0;
  };
  return on_each_cpu<R>(it, +look,
                        "CPU # runs, and no post waits for it: it has to call leave_idle() "
                        "whenever it wakes, and leave_long_idle() when it starts");
}

template <Rig R>
Verdict ticks_come_by(Subject<R>& it) {
  const auto spin = [](Subject<R>& subject, Self& self) {
    self.right = pass_by_themselves(subject, post(subject), 1U << self.cpu);
  };
  return on_each_cpu<R>(it, +spin,
                        "CPU # did not come by in a second, with interrupts on: does its timer "
                        "tick call drop() of PostedFlushes?");
}

template <Rig R>
Verdict callers_come_by(Subject<R>& it) {
  const auto call = [](Subject<R>& subject, Self& self) {
    const uint32_t number = post(subject);
    subject.platform.call(1U << self.cpu);
    self.right = (subject.platform.posted_flushes().late(number) & 1U << self.cpu) == 0;
  };
  return on_each_cpu<R>(it, +call,
                        "CPU # called itself, and did not come by: call() has to call drop() of "
                        "PostedFlushes here, too");
}

/// Posts, and calls all CPUs. Null, or what is wrong if the looker is not among those that came by.
template <Rig R>
const char* call_all(Subject<R>& it, uint32_t looker) {
  const uint32_t number = post(it);
  // A CPU that idles now need not be called, and may be about to wake, and late for a moment.
  const uint32_t called = it.platform.posted_flushes().awake();
  it.platform.call(called);
  if ((it.platform.posted_flushes().late(number) & called & 1U << looker) != 0)
    return "CPU # had not come by when call() returned on CPU #: call() has to interrupt all CPUs "
           "that it is given, and wait until each has called drop() of PostedFlushes";
  wait_for_post(it.platform, number);
  return nullptr;
}

/// Nothing to look at: whether the looking CPU is called, and waited for.
template <Rig R>
struct CalledCpus : Flushed {
  static uint32_t count(Subject<R>& /*it*/) { return 1; }
  static void begin(Subject<R>& /*it*/, uint32_t /*pages*/) {}
  static bool shows(Subject<R>& /*it*/, uint32_t /*i*/, uint32_t /*page*/) { return true; }
  static void map(Subject<R>& /*it*/, uint32_t /*i*/, uint32_t /*page*/) {}
  static void take(Subject<R>& /*it*/, uint32_t /*i*/) {}
  static const char* flush(Subject<R>& it, uint32_t /*count*/, uint32_t looker) {
    return call_all(it, looker);
  }
};

template <Rig R>
inline constexpr Check<R> kComingByChecks[] = {
    {"posted_flushes: each CPU that runs is awake", &running_cpus_are_awake<R>},
    {"posted_flushes: each CPU comes by at its timer tick", &ticks_come_by<R>},
    {"call: a CPU that does nothing but spin comes by, and is waited for",
     &a_cpu_that_spins_is_told<R, CalledCpus<R>>,
     "whether call() reaches every CPU, and waits for it"},
    {"call: the caller's own CPU comes by", &callers_come_by<R>},
};

}  // namespace kmapper::conformance
