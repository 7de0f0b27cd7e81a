// alloc_pages and related calls. A page without __GFP_ZERO is filled with other bytes, so that no
// caller relies on zeros.
#include "linux/report.hpp"
#include "linux/thread.hpp"

using kmapper::linux_face::Machine;
using kmapper::linux_face::View;

namespace kmapper::linux_face {
namespace {

constexpr unsigned char kPoison = 0xA5;

/// Returns the first pfn; 0: there are no pages left.
unsigned long allocate(gfp_t flags, unsigned order, const void* caller) {
  Machine& machine = Machine::get();
  if ((flags & __GFP_DIRECT_RECLAIM) != 0) {
    Thread::current().expect_may_sleep(
        "an allocation that may sleep in a kmap_atomic section (GFP_ATOMIC does not)", 0, caller);
  }
  if (order > Machine::kMostOrder) return 0;
  const std::lock_guard lock(machine.mutex);
  unsigned long pfn = 0;
  if ((flags & __GFP_HIGHMEM) != 0) pfn = machine.take(Zone::high, order);
  if (pfn == 0) pfn = machine.take(Zone::low, order);
  if (pfn == 0 || machine.fill(pfn, order, (flags & __GFP_ZERO) != 0 ? 0 : kPoison)) return pfn;
  machine.give_back(pfn, order, caller);
  return 0;
}

void expect_unmapped(const Machine& machine, unsigned long pfn, const void* caller) {
  const Frame& frame = machine.frame(pfn);
  if (frame.kmaps == 0 && frame.locals == 0) return;
  stop({.what = "a page freed while it is mapped",
        .pfn = pfn,
        .caller = caller,
        .advice = "kunmap before the page is freed"});
}

void release(const page* page, unsigned order, const void* caller) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const unsigned long pfn =
      expect_allocated(machine, page, "a free of a page that is not allocated", caller);
  const Frame& frame = machine.frame(pfn);
  if (!frame.is_head || frame.order != order) {
    stop({.what = "a free that does not match its allocation",
          .pfn = pfn,
          .caller = caller,
          .advice = "free what alloc_pages() returned, with the same order"});
  }
  for (unsigned long i = 0; i < 1UL << order; ++i) expect_unmapped(machine, pfn + i, caller);
  machine.give_back(pfn, order, caller);
}

}  // namespace
}  // namespace kmapper::linux_face

page* alloc_pages(gfp_t flags, unsigned order) {
  const unsigned long pfn =
      kmapper::linux_face::allocate(flags, order, __builtin_return_address(0));
  return pfn != 0 ? Machine::get().page_of(pfn) : nullptr;
}

void __free_pages(page* page, unsigned order) {
  kmapper::linux_face::release(page, order, __builtin_return_address(0));
}

unsigned long(__get_free_pages)(gfp_t flags, unsigned order) {
  const void* const caller = __builtin_return_address(0);
  if ((flags & __GFP_HIGHMEM) != 0) {
    kmapper::linux_face::report(
        {.what = "__get_free_pages with __GFP_HIGHMEM gives nothing",
         .pfn = 0,
         .caller = caller,
         .advice = "a high page has no address: use alloc_pages() and kmap"});
    return 0;
  }
  const unsigned long pfn = kmapper::linux_face::allocate(flags, order, caller);
  if (pfn == 0) return 0;
  return reinterpret_cast<unsigned long>(Machine::get().address(View::plain, pfn));
}

void free_pages(unsigned long address, unsigned order) {
  if (address == 0) return;
  kmapper::linux_face::release(virt_to_page(reinterpret_cast<const void*>(address)), order,
                               __builtin_return_address(0));
}
