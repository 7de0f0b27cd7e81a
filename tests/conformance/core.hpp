// The core on the platform, as its users see it: what the checks of single functions leave out.
//
// Longer than usual: one check for each call of a window.
#pragma once

#include "conformance/sleeping.hpp"
#include "kmapper/core/mapping.hpp"
#include "kmapper/core/reservation.hpp"

namespace kmapper::conformance {

inline constexpr const char* kNoAddress =
    "kmap() of page # returned no address; report() got the reason";

/// What is wrong with kmap()'s view of the page, or null.
template <Rig R>
const char* wrong_with(Subject<R>& it, uint32_t page) {
  auto& mapper = it.rig.mapper();
  const void* const address = mapper.kmap(it.page(page));
  if (address == nullptr) return kNoAddress;
  const bool right = it.shows(address, page);
  mapper.kunmap(it.page(page));
  return right ? nullptr : "page # shows other bytes than were written to it";
}

template <Rig R>
Verdict every_page_is_mapped(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    void* const address = mapper.kmap(it.page(i));
    if (address == nullptr) return failed(kNoAddress, i);
    it.rig.write(address, it.tag(i));
    mapper.kunmap(it.page(i));
  }
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < it.rig.pages(); ++i) {
      if (const char* const wrong = wrong_with(it, i)) return failed(wrong, i);
    }
  }
  return passed();
}

template <Rig R>
Verdict hits_are_hits(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  const Stats before = mapper.stats();
  void* const first = mapper.kmap(it.page(0));
  void* const again = mapper.kmap(it.page(0));
  void* const in_hurry = [&] {
    const typename R::Platform::InterruptsOff off(it.platform);
    return mapper.try_kmap(it.page(0));
  }();
  const bool same = first == again && again == in_hurry;
  const void* const addresses[] = {first, again, in_hurry};
  for (const void* const address : addresses) {
    if (address != nullptr) mapper.kunmap(it.page(0));
  }
  if (!same) return failed("a page that is mapped has another address at its next kmap");
  if (mapper.stats().hits < before.hits + 2) return failed("a page that is mapped is no hit");
  return passed();
}

template <Rig R>
Verdict pages_are_given_back(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    if (const char* const wrong = wrong_with(it, i)) return failed(wrong, i);
    if (mapper.evict(it.page(i)) == Evicted::pinned)
      return failed("page # is pinned, but no caller holds it", i);
    if (mapper.find(it.page(i)) != kNoSlot) return failed("page # has a slot after evict()", i);
  }
  (void)mapper.flush_all_zero_pkmaps();
  return passed();
}

/// Frees as most kernels do: under a spinlock, where the caller may not wait for the flush. The
/// next thread that needs the slot makes it.
template <Rig R>
Verdict pages_are_given_back_in_hurry(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < it.rig.pages(); ++i) {
      if (const char* const wrong = wrong_with(it, i)) return failed(wrong, i);
      const typename R::Platform::InterruptsOff off(it.platform);
      if (mapper.evict(it.page(i)) == Evicted::pinned)
        return failed("page # is pinned, but no caller holds it", i);
      if (mapper.find(it.page(i)) != kNoSlot) return failed("page # has a slot after evict()", i);
    }
  }
  mapper.finish_flushes();
  return passed();
}

template <Rig R>
Verdict several_pages_are_mapped(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  if (mapper.slot_count() < 2) return skipped("the window has one slot");
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    PageAddress<typename R::Platform> pages[] = {{it.page(i)}, {it.page(i + 1)}};
    if (mapper.kmap_all(pages) != MapError::none) return failed("kmap_all() of two pages fails");
    const bool right =
        it.shows(pages[0].address, i) && it.shows(pages[1].address, (i + 1) % it.rig.pages());
    mapper.kunmap_all(pages);
    if (!right) return failed("pages # and # together show other bytes", i, i + 1);
  }
  return passed();
}

/// Sleeps in kmap, for one page more than there are slots.
template <Rig R>
struct LastPage {
  uint32_t page;
  bool shown = false;
  typename Subject<R>::template Atomic<uint32_t> stage{0};

  static void run(Subject<R>& it, LastPage& self) {
    auto& mapper = it.rig.mapper();
    const auto in_vain = mapper.kmap_for(it.page(self.page), kNanosecondsPerSecond / 100);
    self.stage.store(in_vain.error() == MapError::timed_out ? 1 : 2, memory_order_relaxed);
    self.shown = wrong_with(it, self.page) == nullptr;
  }
};

template <Rig R>
Verdict a_full_window_makes_sleep(Subject<R>& it) {
  if constexpr (HasThreads<R>) {
    auto& mapper = it.rig.mapper();
    // A reservation makes a window smaller that has more slots than the rig has pages.
    const uint32_t most = mapper.slot_count();
    const uint32_t slots = it.rig.pages() <= most ? it.rig.pages() - 1 : most;
    const auto rest = mapper.reserve(most - slots);
    if (!rest)
      return failed("reserve() of # of # slots fails, although none is in use", most - slots, most);
    LastPage<R> last{slots};
    for (uint32_t i = 0; i < slots; ++i) {
      if (mapper.kmap(it.page(i)) != nullptr) continue;
      for (uint32_t mapped = 0; mapped < i; ++mapped) mapper.kunmap(it.page(mapped));
      return failed(kNoAddress, i);
    }
    {
      const Thread<R, LastPage<R>> sleeper(it, &LastPage<R>::run, last);
      if (sleeper.started()) {
        it.wait_for([&] { return last.stage.load(memory_order_relaxed) != 0; });
        const uint64_t asleep = it.platform.now() + kNanosecondsPerSecond / 1000;
        it.wait_for(
            [&] { return it.platform.now() >= asleep; });  // by then the thread probably sleeps
      }
      for (uint32_t i = 0; i < slots; ++i) mapper.kunmap(it.page(i));
      if (!sleeper.started()) return failed(kNoThread);
    }
    if (last.stage.load(memory_order_relaxed) != 1)
      return failed("kmap_for() did not end with timed_out in a full window");
    return last.shown ? passed() : failed("the thread that slept for a slot sees another page");
  } else {
    return skipped(kNoThreads);
  }
}

/// Threads that map random pages and check them.
template <Rig R>
struct Crowd {
  static constexpr uint32_t kRounds = 1000;
  typename Subject<R>::template Atomic<uint32_t> seed{1};
  typename Subject<R>::template Atomic<uint32_t> wrong{0};

  static void run(Subject<R>& it, Crowd& self) {
    uint32_t random = self.seed.fetch_add(1, memory_order_relaxed) * 2654435761U;
    for (uint32_t i = 0; i < kRounds; ++i) {
      random = random * 1664525U + 1013904223U;
      if (wrong_with(it, (random >> 16) % it.rig.pages()) != nullptr) {
        self.wrong.store(1, memory_order_relaxed);
        return;
      }
      if (i % 8 == 0) it.rig.yield();
    }
  }
};

template <Rig R>
Verdict a_crowd_sees_its_pages(Subject<R>& it) {
  if constexpr (HasThreads<R>) {
    Crowd<R> crowd;
    {
      const Thread<R, Crowd<R>> one(it, &Crowd<R>::run, crowd);
      const Thread<R, Crowd<R>> two(it, &Crowd<R>::run, crowd);
      const Thread<R, Crowd<R>> three(it, &Crowd<R>::run, crowd);
      const Thread<R, Crowd<R>> four(it, &Crowd<R>::run, crowd);
      if (!one.started() || !two.started() || !three.started() || !four.started())
        return failed(kNoThread);
    }
    if (crowd.wrong.load(memory_order_relaxed) != 0)
      return failed("one of four threads saw another page's bytes in its mapping");
    return passed();
  } else {
    return skipped(kNoThreads);
  }
}

/// report() of a notice has to return.
template <Rig R>
Verdict notices_return(Subject<R>& it) {
  auto& mapper = it.rig.mapper();
  if (mapper.kmap(it.page(0)) == nullptr) return failed(kNoAddress, 0);
  const uint32_t holders = mapper.report_holders(0);
  mapper.kunmap(it.page(0));
  return holders != 0 ? passed() : failed("a page is held, but report_holders() names no holder");
}

template <Rig R>
inline constexpr Check<R> kCoreChecks[] = {
    {"kmap: every page shows its bytes", &every_page_is_mapped<R>},
    {"kmap: a hit has the address that is there", &hits_are_hits<R>},
    {"kmap_all: two pages at once", &several_pages_are_mapped<R>},
    {"evict: pages are given back", &pages_are_given_back<R>},
    {"evict: with interrupts off, too", &pages_are_given_back_in_hurry<R>},
    {"kmap: it sleeps in a full window, and a kunmap wakes it", &a_full_window_makes_sleep<R>,
     "whether a kmap that sleeps is woken"},
    {"kmap: threads at once see their pages", &a_crowd_sees_its_pages<R>,
     "whether threads that map pages at the same time disturb each other"},
    {"report: a notice returns", &notices_return<R>},
};

}  // namespace kmapper::conformance
