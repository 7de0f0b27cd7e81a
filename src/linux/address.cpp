// The calls that convert between pages, their numbers and their addresses.
#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

using kmapper::linux_face::expect_allocated;
using kmapper::linux_face::find_place;
using kmapper::linux_face::Layout;
using kmapper::linux_face::Machine;
using kmapper::linux_face::Place;
using kmapper::linux_face::stop;
using kmapper::linux_face::Thread;

namespace {

unsigned long pfn_of_page(const page* page, const void* caller) {
  const unsigned long pfn = Machine::get().pfn_of(page);
  if (pfn != 0) return pfn;
  stop({.what = "a pointer that is not a struct page",
        .caller = caller,
        .advice = "pass what alloc_page() returned"});
}

}  // namespace

int PageHighMem(const page* page) {
  const Machine& machine = Machine::get();
  return machine.is_high(pfn_of_page(page, __builtin_return_address(0))) ? 1 : 0;
}

void* page_address(const page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  const unsigned long pfn = expect_allocated(
      machine, page, "page_address of something that is not an allocated page", caller);
  if (!machine.is_high(pfn)) return machine.plain().address(pfn);
  const std::lock_guard lock(machine.mutex);
  if (machine.frame(pfn).kmaps != 0) return kmapper::linux_face::kmapped_address(machine, pfn);
  Thread& thread = Thread::current();
  thread.without_address = pfn;
  thread.without_address_for = caller;
  return nullptr;
}

void* page_to_virt(const page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  const unsigned long pfn = expect_allocated(
      machine, page, "page_to_virt of something that is not an allocated page", caller);
  if (!machine.is_high(pfn)) return machine.plain().address(pfn);
  stop({.what = "page_to_virt of a high page",
        .pfn = pfn,
        .caller = caller,
        .advice = "a high page has an address only while it is mapped: kmap it"});
}

unsigned long page_to_pfn(const page* page) {
  return pfn_of_page(page, __builtin_return_address(0));
}

page* pfn_to_page(unsigned long pfn) { return Machine::get().page_of(pfn); }

int pfn_valid(unsigned long pfn) { return Machine::get().has(pfn) ? 1 : 0; }

page* virt_to_page(const void* address) {
  return kmapper::linux_face::low_page_at(address, "virt_to_page of an address outside low memory",
                                          __builtin_return_address(0));
}

bool kmapper_virt_addr_valid(const void* address) {
  const Machine& machine = Machine::get();
  return kmapper::linux_face::is_low(machine, find_place(machine, address));
}

page* kmapper_zero_page() { return Machine::get().page_of(Layout::kZeroPfn); }

bool is_zero_pfn(unsigned long pfn) { return pfn == Layout::kZeroPfn; }

/// A local mapping of this thread, or an address that kmap returned, or one in low memory.
page* kmap_to_page(void* address) {
  Machine& machine = Machine::get();
  const Place place = find_place(machine, address);
  if (place.pfn != 0 && Thread::current().has_mapped(address)) return machine.page_of(place.pfn);
  const std::lock_guard lock(machine.mutex);
  const bool is_plain = place.kind == Place::Kind::plain && place.is_in_page();
  if (is_plain && !machine.is_high(place.pfn)) return machine.page_of(place.pfn);
  if ((is_plain || (place.kind == Place::Kind::open && place.is_in_page())) &&
      machine.frame(place.pfn).kmaps != 0)
    return machine.page_of(place.pfn);
  stop({.what = "kmap_to_page of an address that maps nothing",
        .pfn = place.pfn,
        .caller = __builtin_return_address(0),
        .advice = "pass what kmap() returned, before the kunmap"});
}

bool is_kmap_addr(const void* address) {
  const Machine& machine = Machine::get();
  const Place place = find_place(machine, address);
  return place.pfn != 0 && machine.is_high(place.pfn);
}

unsigned long nr_free_highpages() {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  return machine.free_pages(kmapper::linux_face::Zone::high);
}

unsigned long totalhigh_pages() { return Machine::get().layout.high_pages(); }
