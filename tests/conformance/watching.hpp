// Clocks, stamps and counters, for statistics and reports.
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

inline constexpr uint64_t kNanosecondsPerSecond = 1'000'000'000;

template <Rig R>
Verdict the_clock_goes(Subject<R>& it) {
  constexpr uint32_t kMostTurns = 10'000'000;
  typename Subject<R>::template Atomic<uint32_t> turns{0};  // they take time on any machine
  const uint64_t start = it.platform.now();
  uint64_t last = start;
  for (uint32_t i = 0; i < kMostTurns; ++i) {
    const uint64_t now = it.platform.now();
    if (now < last) return failed("now() went back");
    if (now != start && i > 1000) return passed();
    last = now;
    turns.store(i, memory_order_seq_cst);
  }
  return failed("now() stood still: sleeps with a time limit would never end");
}

template <Rig R>
Verdict stamps_name_their_threads(Subject<R>& it) {
  const auto mine = it.platform.stamp();
  if (!it.platform.same_holder(mine, it.platform.stamp()))
    return failed("same_holder() does not know this thread again");
  if constexpr (HasThreads<R>) {
    auto others = mine;
    {
      const auto ask = [](Subject<R>& subject, typename R::Platform::Stamp& answer) {
        answer = subject.platform.stamp();
      };
      const Thread<R, typename R::Platform::Stamp> other(it, +ask, others);
      if (!other.started()) return failed(kNoThread);
    }
    if (it.platform.same_holder(mine, others))
      return failed("same_holder() takes another thread for this one: is stamp() per thread?");
  }
  return passed();
}

template <Rig R>
Verdict stamps_age(Subject<R>& it) {
  const uint64_t before = it.platform.now();
  const auto stamp = it.platform.stamp();
  const uint64_t age = it.platform.age_ns(stamp);
  const uint64_t most = it.platform.now() - before + kNanosecondsPerSecond;
  if (age > most)
    return failed("a stamp is # s old as soon as it is made",
                  static_cast<uint32_t>((age >> 30) > UINT32_MAX ? UINT32_MAX : age >> 30));
  return passed();
}

/// How often each event was counted.
template <Rig R>
struct Counts {
  static constexpr auto kEvents = static_cast<uint32_t>(Event::kCount);
  uint64_t of[kEvents];

  explicit Counts(Subject<R>& it) {
    for (uint32_t i = 0; i < kEvents; ++i) of[i] = it.platform.counted(static_cast<Event>(i));
  }
};

template <Rig R>
Verdict events_are_counted(Subject<R>& it) {
  for (uint32_t event = 0; event < Counts<R>::kEvents; ++event) {
    const Counts<R> before(it);
    it.platform.count(static_cast<Event>(event));
    it.platform.count(static_cast<Event>(event), 5);
    const Counts<R> after(it);
    for (uint32_t i = 0; i < Counts<R>::kEvents; ++i) {
      const auto more = static_cast<uint32_t>(after.of[i] - before.of[i]);
      if (i == event && more != 6)
        return failed("event # was counted 1 + 5 times, and counted() says #", i, more);
      if (i != event && more != 0) return failed("to count event # counted event # too", event, i);
    }
  }
  return passed();
}

template <Rig R>
Verdict all_cpus_are_counted(Subject<R>& it) {
  Verdict verdict = skipped(kOneCpu);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus; ++cpu) {
    const uint64_t before = it.platform.counted(Event::hit);
    uint32_t times = 3;
    const auto count = [](Subject<R>& subject, uint32_t& n) {
      subject.platform.count(Event::hit, n);
    };
    if (!it.run_on(cpu, +count, times)) continue;
    if (it.platform.counted(Event::hit) != before + times)
      return failed("counted() leaves out what CPU # counted", cpu);
    if (cpu != 0) verdict = passed();
  }
  return verdict;
}

template <Rig R>
inline constexpr Check<R> kWatchingChecks[] = {
    {"now: the clock goes on, and never back", &the_clock_goes<R>},
    {"stamp, same_holder: threads are told apart", &stamps_name_their_threads<R>},
    {"age_ns: a new stamp is young", &stamps_age<R>},
    {"count, counted: each event by itself", &events_are_counted<R>},
    {"counted: the sum over all CPUs", &all_cpus_are_counted<R>,
     "whether counted() sums over all CPUs"},
};

}  // namespace kmapper::conformance
