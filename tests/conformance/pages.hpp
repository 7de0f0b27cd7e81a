// Names and addresses: pages, their cells, and the addresses of slots.
#pragma once

#include "conformance/check.hpp"

namespace kmapper::conformance {

template <Rig R>
Verdict pages_are_told_apart(Subject<R>& it) {
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    if (it.page(i) == typename R::Platform::Page{}) return failed("page # is Page{}, no page", i);
    for (uint32_t j = 0; j < i; ++j) {
      if (it.page(i) == it.page(j)) return failed("pages # and # are equal", j, i);
    }
  }
  return passed();
}

template <Rig R>
Verdict high_pages_are_high(Subject<R>& it) {
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    if (!it.platform.is_high(it.page(i)))
      return failed("it says that page #, a high one, is low", i);
  }
  if constexpr (HasLowPage<R>) {
    if (it.platform.is_high(it.rig.low_page())) return failed("it says that a low page is high");
  }
  return passed();
}

template <Rig R>
Verdict low_addresses_are_known(Subject<R>& it) {
  for (uint32_t i = 0; i < it.rig.slots(); ++i) {
    if (it.platform.is_direct(it.address(i)))
      return failed("is_direct() takes the address of slot # for a low page's", i);
  }
  if constexpr (HasLowPage<R>) {
    auto* const address =
        static_cast<unsigned char*>(it.platform.direct_address(it.rig.low_page()));
    if (address == nullptr) return failed("direct_address() of a low page is null");
    if (!it.platform.is_direct(address) ||
        !it.platform.is_direct(address + R::Platform::kPageSize - 1)) {
      return failed("is_direct() does not know what direct_address() returned");
    }
    return passed();
  }
  return skipped("the rig has no low page");
}

/// The core takes page->virtual as the page's own, and a low half of 0 as "no slot".
template <Rig R>
Verdict every_page_has_a_cell(Subject<R>& it) {
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    auto& cell = it.platform.page_virtual(it.page(i));
    if (&cell != &it.platform.page_virtual(it.page(i))) return failed("page # has two cells", i);
    const uint32_t found = cell.load(memory_order_relaxed);
    if (page_virtual::has_slot(found))
      return failed("the cell of page # holds #, not 0: clear all before open()", i, found);
  }
  uint32_t shared = UINT32_MAX;
  for (uint32_t i = 0; i < it.rig.pages(); ++i)
    it.platform.page_virtual(it.page(i)).store(i + 1, memory_order_relaxed);
  for (uint32_t i = 0; i < it.rig.pages(); ++i) {
    if (it.platform.page_virtual(it.page(i)).load(memory_order_relaxed) != i + 1) shared = i;
  }
  for (uint32_t i = 0; i < it.rig.pages(); ++i)
    it.platform.page_virtual(it.page(i)).store(0, memory_order_relaxed);
  if (shared != UINT32_MAX) return failed("page # shares its cell with another page", shared);
  return passed();
}

template <Rig R>
Verdict slots_lie_in_a_row(Subject<R>& it) {
  constexpr uintptr_t kPageSize = R::Platform::kPageSize;
  const auto base = reinterpret_cast<uintptr_t>(it.platform.address(SlotIndex{0}));
  if (base == 0) return failed("slot 0 is at null, which means no address");
  if (base % kPageSize != 0) return failed("slot 0 does not begin on a page");
  for (uint32_t i = 0; i < it.rig.slots(); ++i) {
    const uint32_t number = to_number(it.rig.slot(i));
    if (reinterpret_cast<uintptr_t>(it.address(i)) != base + number * kPageSize)
      return failed("slot # is not # pages above slot 0", number, number);
  }
  return passed();
}

template <Rig R>
inline constexpr Check<R> kPageChecks[] = {
    {"Page: pages are told apart, and from no page", &pages_are_told_apart<R>},
    {"is_high: what is high, and what is low", &high_pages_are_high<R>},
    {"is_direct: low addresses are told from the window's", &low_addresses_are_known<R>,
     "what direct_address() and is_direct() say of low pages"},
    {"page_virtual: each page has a cell of its own, 0 at first", &every_page_has_a_cell<R>},
    {"address: slots lie a page apart, in their order", &slots_lie_in_a_row<R>},
};

}  // namespace kmapper::conformance
