// vmalloc: memory that comes with its addresses, and PTEs that remember it until the flush.
#pragma once

#include "conformance/vmap.hpp"

namespace kmapper::conformance {

template <Rig R>
Verdict memory_comes_and_goes(Subject<R>& it) {
  using Page = typename R::Platform::Page;
  constexpr uint32_t kPages = 3;
  for (uint32_t round = 0; round < 100; ++round) {
    Page pages[kPages]{};
    uint32_t count = 0;
    while (count < kPages && (pages[count] = it.platform.alloc_page()) != Page{}) ++count;
    const bool twice =
        count == kPages && (pages[0] == pages[1] || pages[0] == pages[2] || pages[1] == pages[2]);
    for (uint32_t i = 0; i < count && !twice; ++i) it.platform.free_page(pages[i]);
    if (twice) return failed("alloc_page() gives a page that it has given already");
    if (count < kPages)
      return failed("alloc_page() has # pages in round #: does free_page() give them back?", count,
                    round);
  }
  return passed();
}

template <Rig R>
Verdict a_hidden_pte_remembers_its_page(Subject<R>& it) {
  using Page = typename R::Platform::Page;
  const VmapPage at = it.rig.vmap_page(0);
  const Page page = it.page(1);
  it.platform.write_vmap_pte(at, page);
  VmapLook look{1, 1};
  look_at_vmap(it, look);
  const bool accessed = it.platform.hide_vmap_pte(at);
  it.platform.flush_vmap();
  if constexpr (R::kSurvivesFaults) {
    if (it.rig.read(it.platform.vmap_address(at)).mapped)
      return failed(
          "a CPU still finds a page where hide_vmap_pte() left one: it has to clear Present");
  }
  const Page remembered = it.platform.take_hidden_page(at);
  const Page again = it.platform.take_hidden_page(at);
  it.platform.flush_vmap();
  if (!accessed) return failed("hide_vmap_pte() says that a page was not used, and it was");
  if (remembered != page) return failed("take_hidden_page() says another page than was hidden");
  if (again != Page{})
    return failed("take_hidden_page() says the same page twice: it has to empty the PTE");
  it.platform.write_vmap_pte(at, page);
  (void)it.platform.take_vmap_pte(at);
  const Page of_taken = it.platform.take_hidden_page(at);
  it.platform.flush_vmap();
  if (of_taken != Page{})
    return failed(
        "take_hidden_page() says a page that take_vmap_pte() took: only "
        "hide_vmap_pte() lets a PTE remember");
  return passed();
}

/// The areas of two rounds, one after the other, hold what was written to them. Some are flushed.
template <Rig R>
Verdict areas_keep_what_is_written(Subject<R>& it) {
  constexpr uint32_t kPages = 2;
  auto& range = it.rig.vmap_range();
  for (uint32_t round = 0; round < 100; ++round) {
    const auto address = range.vmalloc(kPages);
    if (!address) return failed("vmalloc() of # pages fails in round #", kPages, round);
    unsigned char* const area = static_cast<unsigned char*>(*address);
    for (uint32_t i = 0; i < kPages; ++i)
      it.rig.write(area + i * R::Platform::kPageSize, round * kPages + i);
    bool right = true;
    for (uint32_t i = 0; i < kPages; ++i) {
      const Seen seen = it.rig.read(area + i * R::Platform::kPageSize);
      right = right && seen.mapped && seen.value == round * kPages + i;
    }
    range.vfree(*address);
    if (!right)
      return failed("an area of vmalloc() lost what was written to it, in round #", round);
    if (round % 8 == 0) range.flush();
  }
  range.flush();
  return passed();
}

template <Rig R>
inline constexpr Check<R> kVmallocChecks[] = {
    {"alloc_page, free_page: memory comes and goes", &memory_comes_and_goes<R>},
    {"hide_vmap_pte, take_hidden_page: a PTE remembers its page",
     &a_hidden_pte_remembers_its_page<R>},
    {"vmalloc: areas keep what is written to them", &areas_keep_what_is_written<R>},
};

}  // namespace kmapper::conformance
