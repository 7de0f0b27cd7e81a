// Pages as the calls of the Linux-named interface see them.
#pragma once

#include "linux/machine.hpp"
#include "linux/report.hpp"

namespace kmapper::linux_face {

/// The page's pfn. `call`, a mistake, is reported if the page is not allocated, or its struct page
/// was overwritten.
[[nodiscard]] unsigned long expect_allocated(Machine& machine, const page* page, const char* call,
                                             const void* caller);
/// The same, for the first page of a compound page.
[[nodiscard]] inline unsigned long expect_head(Machine& machine, const page* page, const char* call,
                                               const void* caller) {
  return machine.head_of(expect_allocated(machine, page, call, caller));
}
/// Reports a struct page that was overwritten. `caller`: null: found at the end of the program.
void expect_whole(const Machine& machine, unsigned long pfn, const void* caller);

/// Whether a bit of the page's flags is set, or was before it was set or cleared.
[[nodiscard]] inline bool has_flag(const page& page, int flag) {
  return (__atomic_load_n(&page.flags, __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}
inline bool set_flag(page& page, int flag) {
  return (__atomic_fetch_or(&page.flags, 1UL << flag, __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}
inline bool clear_flag(page& page, int flag) {
  return (__atomic_fetch_and(&page.flags, ~(1UL << flag), __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}

/// Checks that `length` bytes from `offset` on are in the folio, which has to be allocated.
void expect_in_folio(const folio* folio, std::size_t offset, std::size_t length,
                     const void* caller);

/// The low page of an address. `call`, a mistake, is reported for another address.
[[nodiscard]] page* low_page_at(const void* address, const char* call, const void* caller);
[[nodiscard]] bool is_low(const Machine& machine, const Place& place);

/// Allocates pages for the call that returns to `caller`. The first page's pfn; 0: there are none.
[[nodiscard]] unsigned long allocate(gfp_t flags, unsigned order, const void* caller);
/// Frees an allocation, whose count is 0.
void release(Machine& machine, unsigned long pfn, const void* caller);

/// The library allocated this page for itself: it is no leak.
inline void mark_as_the_librarys(const Machine& machine, unsigned long pfn) {
  machine.frame(pfn).is_library = true;
}

/// The address that kmap() returned for a page that is kmapped. The caller holds the mutex.
[[nodiscard]] inline std::byte* kmapped_address(const Machine& machine, unsigned long pfn) {
  return !machine.is_high(pfn) || machine.frame(pfn).is_kmapped_in_plain_view
             ? machine.plain().address(pfn)
             : machine.open_address(pfn);
}

}  // namespace kmapper::linux_face
