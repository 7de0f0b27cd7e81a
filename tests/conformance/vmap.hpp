// vmap: a page table beside the window's, flushed as a whole.
#pragma once

#include "conformance/cpus.hpp"

namespace kmapper::conformance {

/// What one CPU finds in some pages of the range, from page `first` of the rig on.
struct VmapLook {
  uint32_t pages;
  uint32_t first;
  uint32_t wrong = UINT32_MAX;
};
template <Rig R>
void look_at_vmap(Subject<R>& it, VmapLook& look) {
  for (uint32_t i = 0; i < look.pages; ++i) {
    const void* const address = it.platform.vmap_address(it.rig.vmap_page(i));
    if (!it.shows(address, (look.first + i) % it.rig.pages())) look.wrong = i;
  }
}

template <Rig R>
uint32_t vmap_size(Subject<R>& it) {
  return it.rig.vmap_pages() < it.rig.pages() ? it.rig.vmap_pages() : it.rig.pages() - 1;
}

template <Rig R>
void write_vmap_ptes(Subject<R>& it, uint32_t first) {
  for (uint32_t i = 0; i < vmap_size(it); ++i)
    it.platform.write_vmap_pte(it.rig.vmap_page(i), it.page(first + i));
}
/// How many of the pages had been used.
template <Rig R>
uint32_t take_vmap_ptes(Subject<R>& it) {
  uint32_t used = 0;
  for (uint32_t i = 0; i < vmap_size(it); ++i) {
    if (it.platform.take_vmap_pte(it.rig.vmap_page(i))) ++used;
  }
  return used;
}

template <Rig R>
Verdict vmap_pages_lie_in_a_row(Subject<R>& it) {
  constexpr uintptr_t kPageSize = R::Platform::kPageSize;
  const auto base = reinterpret_cast<uintptr_t>(it.platform.vmap_address(VmapPage{0}));
  if (base == 0 || base % kPageSize != 0) return failed("the vmap range does not begin on a page");
  for (uint32_t i = 0; i < it.rig.vmap_pages(); ++i) {
    const uint32_t number = to_number(it.rig.vmap_page(i));
    const auto address = reinterpret_cast<uintptr_t>(it.platform.vmap_address(VmapPage{number}));
    if (address != base + number * kPageSize)
      return failed("vmap page # is not # pages above the first", number, number);
  }
  return passed();
}

template <Rig R>
Verdict vmap_pages_show_theirs(Subject<R>& it) {
  VmapLook here{vmap_size(it), 0};
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    it.map(0, i);
    it.rig.write(it.address(0), it.tag(i));
    it.unmap(0, 1);
  }
  write_vmap_ptes(it, 0);
  look_at_vmap(it, here);
  const uint32_t used = take_vmap_ptes(it);
  it.platform.flush_vmap();
  if (here.wrong != UINT32_MAX) return failed("vmap page # does not show its page", here.wrong);
  if (used != vmap_size(it))
    return failed("take_vmap_pte() says that # pages were used, and # were", used, vmap_size(it));
  return passed();
}

template <Rig R>
Verdict vmap_is_flushed(Subject<R>& it) {
  Verdict verdict = passed();
  for (uint32_t cpu = 0; cpu < R::Platform::kMaxCpus && !has_failed(verdict); ++cpu) {
    VmapLook before{vmap_size(it), 0};
    VmapLook after{vmap_size(it), 1};
    write_vmap_ptes(it, 0);
    if (!it.run_on(cpu, &look_at_vmap<R>, before)) {
      (void)take_vmap_ptes(it);
      break;
    }
    (void)take_vmap_ptes(it);
    it.platform.flush_vmap();
    write_vmap_ptes(it, 1);
    (void)it.run_on(cpu, &look_at_vmap<R>, after);
    (void)take_vmap_ptes(it);
    it.platform.flush_vmap();
    if (after.wrong != UINT32_MAX)
      verdict = failed("CPU # still has what vmap page # mapped last, after flush_vmap()", cpu,
                       after.wrong);
  }
  return verdict;
}

template <Rig R>
Verdict areas_show_their_pages(Subject<R>& it) {
  using Page = typename R::Platform::Page;
  Page pages[3] = {it.page(0), it.page(1), it.page(2)};
  auto& range = it.rig.vmap_range();
  for (uint32_t round = 0; round < 100; ++round) {
    const auto address = range.vmap(Span<const Page>(pages));
    if (!address) return failed("vmap() of 3 pages fails in round #", round);
    bool right = true;
    for (uint32_t i = 0; i < 3; ++i) {
      const auto* const at = static_cast<unsigned char*>(*address) + i * R::Platform::kPageSize;
      right = right && it.shows(at, (round + i) % 3);
    }
    range.vunmap(*address);
    if (!right) return failed("an area shows other pages than its own, in round #", round);
    const Page first = pages[0];
    pages[0] = pages[1];
    pages[1] = pages[2];
    pages[2] = first;
  }
  range.flush();
  return passed();
}

template <Rig R>
inline constexpr Check<R> kVmapChecks[] = {
    {"vmap_address: the range's pages lie in a row", &vmap_pages_lie_in_a_row<R>},
    {"write_vmap_pte, take_vmap_pte: each address shows its page", &vmap_pages_show_theirs<R>},
    {"flush_vmap: all CPUs forget all of the range", &vmap_is_flushed<R>},
    {"vmap: areas show their pages", &areas_show_their_pages<R>},
};

}  // namespace kmapper::conformance
