// The same with several CPUs: each has a TLB of its own, and each may have accessed the slot.
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

/// What one CPU finds at some slots.
struct Look {
  uint32_t slots;
  bool reversed;  // slot i should show page slots - 1 - i
  uint32_t wrong = UINT32_MAX;
};
template <Rig R>
void look(Subject<R>& it, Look& look) {
  for (uint32_t i = 0; i < look.slots; ++i) {
    const uint32_t page = look.reversed ? look.slots - 1 - i : i;
    if (!it.shows(it.address(i), page)) look.wrong = i;
  }
}

template <Rig R>
Verdict cpus_have_their_numbers(Subject<R>& it) {
  if (it.platform.cpu() >= R::Platform::kMaxCpus)
    return failed("this CPU's number is #, and kMaxCpus is #", it.platform.cpu(),
                  R::Platform::kMaxCpus);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus; ++cpu) {
    uint32_t number = cpu;
    const auto ask = [](Subject<R>& subject, uint32_t& answer) { answer = subject.platform.cpu(); };
    if (it.run_on(cpu, +ask, number) && number != cpu)
      return failed("CPU # says that its number is #", cpu, number);
  }
  return passed();
}

template <Rig R>
Verdict cpus_share_the_cells(Subject<R>& it) {
  uint32_t cpus = 0;
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus; ++cpu) {
    uint32_t found = 0;
    const auto ask = [](Subject<R>& subject, uint32_t& answer) {
      answer = subject.platform.page_virtual(subject.page(0)).load(memory_order_relaxed);
    };
    it.platform.page_virtual(it.page(0)).store(cpu + 1, memory_order_relaxed);
    const bool ran = it.run_on(cpu, +ask, found);
    it.platform.page_virtual(it.page(0)).store(0, memory_order_relaxed);
    if (ran && found != cpu + 1) return failed("CPU # has a cell of its own for a page", cpu);
    if (ran) ++cpus;
  }
  return cpus > 1 ? passed() : skipped(kOneCpu);
}

template <Rig R>
Verdict cpus_see_the_slots(Subject<R>& it) {
  const uint32_t slots = it.slots();
  Verdict verdict = skipped(kOneCpu);
  it.map_with_tags(slots);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus && !has_failed(verdict); ++cpu) {
    Look there{slots, false};
    if (!it.run_on(cpu, &look<R>, there)) continue;
    if (cpu != 0) verdict = passed();
    if (there.wrong != UINT32_MAX)
      verdict = failed("CPU # does not see the page of slot #: does that CPU use this page table?",
                       cpu, there.wrong);
  }
  it.unmap(0, slots);
  return verdict;
}

/// Another CPU.
inline uint32_t other_than(uint32_t cpu) { return cpu == 0 ? 1 : cpu - 1; }

template <Rig R>
void take_first_slot(Subject<R>& it, bool& used) {
  used = it.take(0);
  it.flush(0, 1);
}

/// take_pte() must know that another CPU has accessed the slot: a shared PTE has one Accessed bit.
template <Rig R>
Verdict use_on_other_cpus_is_known(Subject<R>& it) {
  Verdict verdict = skipped(kOneCpu);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus && !has_failed(verdict); ++cpu) {
    Look there{1, false};
    bool used = false;
    it.map_with_tags(1);
    it.unmap(0, 1);
    it.map(0, 0);
    if (!it.run_on(cpu, &look<R>, there) ||
        !it.run_on(other_than(cpu), &take_first_slot<R>, used)) {
      it.unmap(0, 1);
      continue;
    }
    verdict = used ? passed() : failed("take_pte() does not know that CPU # used a slot", cpu);
  }
  return verdict;
}

/// Some slots get other pages, on a CPU other than the one that used them.
template <Rig R>
void change_pages(Subject<R>& it, uint32_t& slots) {
  for (uint32_t i = 0; i < slots; ++i) (void)it.take(i);
  it.flush(0, slots);
  for (uint32_t i = 0; i < slots; ++i) it.map(i, slots - 1 - i);
}

template <Rig R>
Verdict flush_on_all_cpus(Subject<R>& it, uint32_t slots) {
  Verdict verdict = skipped(kOneCpu);
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus && !has_failed(verdict); ++cpu) {
    Look before{slots, false};
    Look after{slots, true};
    it.map_with_tags(slots);
    const bool ran =
        it.run_on(cpu, &look<R>, before) && it.run_on(other_than(cpu), &change_pages<R>, slots);
    if (ran) (void)it.run_on(cpu, &look<R>, after);
    it.unmap(0, slots);
    if (ran) verdict = passed();
    if (after.wrong != UINT32_MAX)
      verdict = failed("CPU # still has what a batch of # slots mapped before: does it answer?",
                       cpu, slots);
  }
  return verdict;
}

template <Rig R>
Verdict other_cpus_are_flushed(Subject<R>& it) {
  Verdict verdict = passed();
  for (uint32_t slots = 2; slots <= it.slots(); slots *= 2) {
    verdict = flush_on_all_cpus(it, slots);
    if (has_failed(verdict)) break;
  }
  return verdict;
}

template <Rig R>
inline constexpr Check<R> kCpuNumberChecks[] = {
    {"cpu: each CPU knows its number", &cpus_have_their_numbers<R>},
};
template <Rig R>
inline constexpr Check<R> kSharedTableChecks[] = {
    {"write_pte: all CPUs see the slots", &cpus_see_the_slots<R>,
     "whether other CPUs use the window's page table"},
};
template <Rig R>
inline constexpr Check<R> kCpuChecks[] = {
    {"page_virtual: all CPUs share a page's cell", &cpus_share_the_cells<R>,
     "whether other CPUs find a page's slot"},
    {name_of_flush<R>("invalidate: all CPUs forget a slot's last page",
                      "drop, call: all CPUs forget a slot's last page"),
     &other_cpus_are_flushed<R>, "whether invalidate() reaches other CPUs"},
    {"take_pte: it knows of a use on another CPU", &use_on_other_cpus_is_known<R>,
     "whether take_pte() knows of a use on another CPU"},
};

}  // namespace kmapper::conformance
