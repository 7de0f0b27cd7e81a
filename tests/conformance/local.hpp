// kmap_local: each CPU's own slots, and what a context switch does with them.
#pragma once

#include "conformance/cpus.hpp"
#include "conformance/sleeping.hpp"

namespace kmapper::conformance {

/// This CPU's i-th local slot. Interrupts are off.
template <Rig R>
LocalSlot local_slot(Subject<R>& it, uint32_t i) {
  return LocalSlot{to_number(it.platform.first_local_slot()) + i};
}

template <Rig R>
Verdict local_addresses_are_known(Subject<R>& it) {
  constexpr size_t kPageSize = R::Platform::kPageSize;
  const typename R::Platform::InterruptsOff same_cpu(it.platform);
  for (uint32_t i = 0; i < kLocalDepth; ++i) {
    auto* const address = static_cast<unsigned char*>(it.platform.local_address(local_slot(it, i)));
    if (!it.platform.is_local(address) || !it.platform.is_local(address + kPageSize - 1))
      return failed("is_local() does not know the address of local slot #", i);
    if (it.platform.is_direct(address))
      return failed("is_direct() takes the address of local slot # for a low page's", i);
    for (uint32_t j = 0; j < i; ++j) {
      const auto* const other =
          static_cast<unsigned char*>(it.platform.local_address(local_slot(it, j)));
      const auto apart = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(other);
      if (apart + kPageSize < 2 * kPageSize || apart % kPageSize != 0)
        return failed("local slots # and # overlap", j, i);
    }
  }
  if (it.platform.is_local(nullptr)) return failed("is_local() takes null for a local slot");
  if constexpr (HasLowPage<R>) {
    if (it.platform.is_local(it.platform.direct_address(it.rig.low_page())))
      return failed("is_local() takes a low page's address for a local slot's");
  }
  return passed();
}

template <Rig R>
Verdict each_cpu_has_its_local_slots(Subject<R>& it) {
  uint32_t firsts[R::Platform::kMaxCpus] = {};
  const auto ask = [](Subject<R>& subject, uint32_t& first) {
    first = to_number(subject.platform.first_local_slot());
  };
  uint32_t cpus = 0;
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus; ++cpu, ++cpus) {
    if (!it.run_on(cpu, +ask, firsts[cpu])) break;
    for (uint32_t other = 0; other < cpu; ++other) {
      const uint32_t apart = firsts[cpu] - firsts[other];
      if (apart < kLocalDepth || apart > UINT32_MAX - kLocalDepth)
        return failed("CPUs # and # share local slots", other, cpu);
    }
  }
  return cpus > 1 ? passed() : skipped(kOneCpu);
}

/// Two pages with their tags, in the window's slots, which are empty again.
template <Rig R>
void tag_two_pages(Subject<R>& it) {
  it.map_with_tags(2);
  it.unmap(0, 2);
}

/// Maps page 1 in a slot that page 0 has left; fails with `what` if the slot still shows page 0.
template <Rig R>
Verdict show_the_next_page(Subject<R>& it, LocalSlot slot, const char* what) {
  it.platform.write_local_pte(slot, it.page(1));
  const bool shows = it.shows(it.platform.local_address(slot), 1);
  it.platform.clear_local_pte(slot);
  return shows ? passed() : failed(what);
}

/// With interrupts off, and no local mapping of this thread, the test may use this CPU's slots.
template <Rig R>
Verdict a_local_slot_shows_its_page(Subject<R>& it) {
  tag_two_pages(it);
  const typename R::Platform::InterruptsOff same_cpu(it.platform);
  const LocalSlot slot = local_slot(it, 0);
  const void* const address = it.platform.local_address(slot);
  Verdict verdict = passed();
  it.platform.write_local_pte(slot, it.page(0));
  if (!it.shows(address, 0)) verdict = failed("a local slot does not show its page");
  if (!has_failed(verdict) && !(it.platform.local_page(slot) == it.page(0)))
    verdict = failed("local_page() does not know the page of a local slot");
  it.platform.clear_local_pte(slot);
  if (has_failed(verdict)) return verdict;
  if (!(it.platform.local_page(slot) == typename R::Platform::Page{}))
    return failed("clear_local_pte() left the entry");
  return show_the_next_page(
      it, slot,
      "a local slot shows its last page: clear_local_pte() has to drop it from this CPU's TLB");
}

template <Rig R>
Verdict a_local_entry_is_kept(Subject<R>& it) {
  tag_two_pages(it);
  const typename R::Platform::InterruptsOff same_cpu(it.platform);
  const LocalSlot slot = local_slot(it, 0);
  const void* const address = it.platform.local_address(slot);
  it.platform.write_local_pte(slot, it.page(0));
  (void)it.rig.read(address);
  const auto kept = it.platform.take_local_pte(slot);
  Verdict verdict = show_the_next_page(
      it, slot,
      "a local slot shows its last page: take_local_pte() has to drop it from this CPU's TLB");
  it.platform.put_local_pte(slot, kept);
  if (!has_failed(verdict) && !it.shows(address, 0))
    verdict = failed("put_local_pte() does not put back what take_local_pte() took");
  it.platform.clear_local_pte(slot);
  return verdict;
}

template <Rig R>
Verdict local_mappings_nest(Subject<R>& it) {
  tag_two_pages(it);
  LocalMapper<typename R::Platform> local(it.platform);
  const void* addresses[kLocalDepth];
  uint32_t wrong = UINT32_MAX;
  for (uint32_t i = 0; i < kLocalDepth; ++i) addresses[i] = local.kmap_local(it.page(i % 2));
  for (uint32_t i = kLocalDepth; i-- > 0;) {
    if (!it.shows(addresses[i], i % 2)) wrong = i;
    local.kunmap_local(addresses[i]);
  }
  if (wrong != UINT32_MAX)
    return failed("of # local mappings, number # shows another page", kLocalDepth, wrong);
  if (local.depth() != 0) return failed("this thread's local_stack() is not empty again");
  return passed();
}

/// Threads that hold two local mappings each and let others run: the scheduler has to call
/// switch_stacks(), and to keep a thread with mappings on its CPU.
template <Rig R>
struct Holders {
  static constexpr uint32_t kRounds = 50;
  typename Subject<R>::template Atomic<uint32_t> started{0};
  typename Subject<R>::template Atomic<uint32_t> wrong{0};

  static void run(Subject<R>& it, Holders& self) {
    const uint32_t me = self.started.fetch_add(1, memory_order_relaxed) % 2;
    LocalMapper<typename R::Platform> local(it.platform);
    for (uint32_t i = 0; i < kRounds; ++i) {
      const void* const mine = local.kmap_local(it.page(me));
      const void* const others = local.kmap_local(it.page(1 - me));
      it.rig.yield();
      if (!it.shows(mine, me) || !it.shows(others, 1 - me))
        self.wrong.store(1, memory_order_relaxed);
      local.kunmap_local(others);
      it.rig.yield();
      local.kunmap_local(mine);
    }
  }
};

template <Rig R>
Verdict local_mappings_survive_a_switch(Subject<R>& it) {
  if constexpr (HasThreads<R>) {
    tag_two_pages(it);
    Holders<R> holders;
    {
      const Thread<R, Holders<R>> one(it, &Holders<R>::run, holders);
      const Thread<R, Holders<R>> two(it, &Holders<R>::run, holders);
      const Thread<R, Holders<R>> three(it, &Holders<R>::run, holders);
      if (!one.started() || !two.started() || !three.started()) return failed(kNoThread);
    }
    if (holders.wrong.load(memory_order_relaxed) != 0)
      return failed(
          "after others ran, a thread's local mappings show other pages: does the scheduler "
          "call switch_stacks(), and keep the thread on its CPU?");
    return passed();
  } else {
    return skipped(kNoThreads);
  }
}

template <Rig R>
inline constexpr Check<R> kLocalChecks[] = {
    {"local_address, is_local: local slots lie apart, and are known",
     &local_addresses_are_known<R>},
    {"first_local_slot: each CPU has slots of its own", &each_cpu_has_its_local_slots<R>,
     "whether CPUs share local slots"},
    {"write_local_pte, clear_local_pte: a slot shows its page", &a_local_slot_shows_its_page<R>},
    {"take_local_pte, put_local_pte: an entry is kept", &a_local_entry_is_kept<R>},
    {"local_stack: local mappings nest", &local_mappings_nest<R>},
    {"switch_stacks: local mappings survive a context switch", &local_mappings_survive_a_switch<R>,
     "whether the scheduler calls switch_stacks(), and keeps a thread with mappings on its CPU"},
};

}  // namespace kmapper::conformance
