// Flushes that a platform posts: whether a slot has really left a CPU's TLB when the CPU has
// dropped it, or has come by, or wakes. The checks of whole flushes (window.hpp, cpus.hpp,
// shootdown.hpp) build on these.
#pragma once

#include "conformance/posting.hpp"

namespace kmapper::conformance {

/// Gives the pages their tags, through slot 0. This CPU drops its TLB before each write: if flushes
/// leave something there, the checks below find it by the right tags.
template <Rig R>
void write_tags(Subject<R>& it, uint32_t pages) {
  for (uint32_t page = 0; page < pages; ++page) {
    {
      const typename R::Platform::InterruptsOff off(it.platform);
      it.platform.drop_all();
      it.map(0, page);
      it.rig.write(it.address(0), it.tag(page));
    }
    it.unmap(0, 1);
  }
}

/// Slot 0 gets page 1 while some CPU idles.
struct WhileIdle {
  uint32_t idle;
  bool idled = false;
};
template <Rig R>
void change_page_while_idle(Subject<R>& it, WhileIdle& self) {
  auto& flushes = it.platform.posted_flushes();
  typename Subject<R>::template Atomic<uint32_t> turns{0};  // as in pass_by_themselves()
  const uint64_t deadline = it.platform.now() + kLongestTick;
  const typename R::Platform::InterruptsOff same_cpu(it.platform);
  while ((flushes.awake() & 1U << self.idle) != 0 && it.platform.now() < deadline) {
    turns.fetch_add(1, memory_order_relaxed);
    it.platform.relax();
  }
  (void)it.take(0);
  self.idled = (flushes.awake() & 1U << self.idle) == 0;
  const uint32_t number = flushes.post().number;
  flushes.drop(it.platform.cpu(), [&it] { it.platform.drop_all(); });
  self.idled = pass_by_themselves(it, number, UINT32_MAX) && self.idled;
  if (self.idled) it.map(0, 1);
}

template <Rig R>
Verdict waking_cpus_drop(Subject<R>& it) {
  Verdict verdict = skipped(kOneCpu);
  write_tags(it, 2);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus && !has_failed(verdict); ++cpu) {
    Look before{1, false};
    Look after{1, false};
    WhileIdle change{cpu};
    it.map(0, 0);
    const bool ran = it.run_on(cpu, &look<R>, before) &&
                     it.run_on(other_than(cpu), &change_page_while_idle<R>, change);
    if (change.idled) {
      (void)it.run_on(cpu, &look<R>, after);
      verdict = passed();
      if (after.wrong == UINT32_MAX)
        verdict = failed(
            "CPU # idled while a slot was taken, and woke with the slot's last page in its TLB: "
            "leave_idle() has to drop the whole TLB, before anything else",
            cpu);
    } else if (ran && verdict.kind == Verdict::Kind::skipped) {
      verdict = skipped("no CPU idled");
    }
    if (change.idled || !ran) (void)it.take(0);
    it.flush(0, 1);
  }
  return verdict;
}

/// Slots whose flush passes because all CPUs are called.
template <Rig R>
struct CalledPages : WindowPages<R> {
  static constexpr const char* kOther =
      "CPU # has come by, and sees an older page than CPU # has just mapped: where it calls drop() "
      "of PostedFlushes, it has to drop its whole TLB";
  static constexpr const char* kStale =
      "CPU # has come by, called by CPU #, and still has the last page: where it calls drop() of "
      "PostedFlushes, it has to drop its whole TLB";
  static constexpr const char* kTooEarly = kStale;

  static void begin(Subject<R>& it, uint32_t pages) { write_tags(it, pages); }
  static const char* flush(Subject<R>& it, uint32_t /*count*/, uint32_t looker) {
    return call_all(it, looker);
  }
};

/// Slots whose flush passes at the CPUs' timer ticks. Few rounds: each takes some ticks.
template <Rig R>
struct TickedPages : CalledPages<R> {
  static constexpr uint32_t kRounds = 4;
  static constexpr const char* kStale =
      "CPU # has come by at its timer tick, not called by CPU #, and still has the last page: "
      "where it calls drop() of PostedFlushes, it has to drop its whole TLB";
  static constexpr const char* kTooEarly = kStale;

  static const char* flush(Subject<R>& it, uint32_t /*count*/, uint32_t /*looker*/) {
    const uint32_t number = post(it);
    if (!pass_by_themselves(it, number, UINT32_MAX)) wait_for_post(it.platform, number);
    return nullptr;
  }
};

/// Whether slots leave this CPU's TLB by `drop`. Interrupts stay off, so that nothing else drops
/// them. Slot i maps page i, and then page i + 1.
template <Rig R>
Verdict leave_this_tlb(Subject<R>& it, uint32_t first, uint32_t count,
                       void (*drop)(Subject<R>&, uint32_t slot), const char* otherwise) {
  Verdict verdict = passed();
  it.map_with_tags(first + count + 1);
  it.unmap(0, first);
  {
    const typename R::Platform::InterruptsOff off(it.platform);
    for (uint32_t i = first; i < first + count; ++i) (void)it.rig.read(it.address(i));
    for (uint32_t i = first; i < first + count; ++i) (void)it.take(i);
    const uint32_t others = ~(1U << it.platform.cpu());
    const uint32_t number = it.platform.posted_flushes().post().number;
    drop(it, first);
    if (pass_by_themselves(it, number, others)) {
      for (uint32_t i = first; i < first + count; ++i) {
        it.map(i, i + 1);
        if (!has_failed(verdict) && !it.shows(it.address(i), i + 1)) verdict = failed(otherwise, i);
        (void)it.take(i);
      }
    } else {
      verdict = skipped("other CPUs did not come by");
    }
  }
  it.flush(first, count);
  it.unmap(first + count, 1);
  return verdict;
}

template <Rig R>
Verdict drop_drops_its_slot(Subject<R>& it) {
  const auto drop = [](Subject<R>& subject, uint32_t slot) {
    subject.platform.drop(subject.rig.slot(slot));
  };
  Verdict verdict = passed();
  for (uint32_t slot = 0; slot + 1 < it.slots(); slot += it.slots() / 4 + 1) {
    verdict = leave_this_tlb<R>(it, slot, 1, +drop,
                                "slot # still shows its last page after drop() of that slot");
    if (verdict.kind != Verdict::Kind::passed) break;
  }
  return verdict;
}

template <Rig R>
Verdict drop_all_drops_all(Subject<R>& it) {
  const auto drop = [](Subject<R>& subject, uint32_t /*slot*/) { subject.platform.drop_all(); };
  return leave_this_tlb<R>(it, 0, it.slots() - 1, +drop,
                           "slot # still shows its last page after drop_all(): it has to drop "
                           "this CPU's whole TLB");
}

template <Rig R>
inline constexpr Check<R> kDropChecks[] = {
    {"drop: a slot leaves this CPU's TLB", &drop_drops_its_slot<R>, "whether drop() drops a slot"},
    {"drop_all: all slots leave this CPU's TLB", &drop_all_drops_all<R>,
     "whether drop_all() drops all slots"},
    {"posted_flushes: a CPU that wakes has dropped its TLB", &waking_cpus_drop<R>,
     "whether CPUs drop anything when they wake"},
    {"call: a CPU that has come by has dropped its TLB",
     &a_cpu_that_spins_is_told<R, CalledPages<R>>,
     "whether other CPUs drop anything when they are called"},
    {"posted_flushes: a CPU that has come by at a tick has dropped its TLB",
     &a_cpu_that_spins_is_told<R, TickedPages<R>>,
     "whether other CPUs drop anything at their timer ticks"},
};

}  // namespace kmapper::conformance
