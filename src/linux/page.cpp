// Which page a pointer or an address means, and the counts and flags of pages.
#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {

unsigned long expect_allocated(Machine& machine, const page* page, const char* call,
                               const void* caller) {
  const unsigned long pfn = machine.pfn_of(page);
  if (pfn != 0 && machine.frame(pfn).is_allocated.load(std::memory_order_acquire)) [[likely]] {
    expect_whole(machine, pfn, caller);
    return pfn;
  }
  const Place place = find_place(machine, page);
  const char* advice = "pass what alloc_page() returned";
  if (pfn != 0) advice = "free a page after its last use";
  if (place.pfn != 0) advice = "that is an address in the page: pass its struct page";
  stop({.what = call, .pfn = pfn != 0 ? pfn : place.pfn, .caller = caller, .advice = advice});
}

void expect_whole(const Machine& machine, unsigned long pfn, const void* caller) {
  if (machine.is_whole(pfn)) [[likely]]
    return;
  stop({.what = "a struct page was overwritten",
        .pfn = pfn,
        .caller = caller,
        .advice = "look for a struct page that is used as if it were the page"});
}

page* low_page_at(const void* address, const char* call, const void* caller) {
  Machine& machine = Machine::get();
  const Place place = find_place(machine, address);
  if (is_low(machine, place)) return machine.page_of(place.pfn);
  stop({.what = call,
        .pfn = place.pfn,
        .caller = caller,
        .advice = "for an address that kmap returned, use kmap_to_page()"});
}

bool is_low(const Machine& machine, const Place& place) {
  return place.kind == Place::Kind::plain && place.is_in_page() && !machine.is_high(place.pfn);
}

namespace {

/// The first page of the compound page.
Frame& expect_counted(const page* page, const char* call, const void* caller) {
  Machine& machine = Machine::get();
  return machine.frame(expect_head(machine, page, call, caller));
}

constexpr const char* kNoCount =
    "each page of an allocation without __GFP_COMP has a count only after split_page()";

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::Frame;
using kmapper::linux_face::Machine;
using kmapper::linux_face::stop;

void get_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  Frame& frame = kmapper::linux_face::expect_counted(
      page, "get_page of something that is not an allocated page", caller);
  if (frame.count.fetch_add(1, std::memory_order_relaxed) > 0) return;
  stop({.what = "get_page of a page whose count is 0",
        .pfn = Machine::get().pfn_of(page),
        .caller = caller,
        .advice = kmapper::linux_face::kNoCount});
}

bool try_get_page(page* page) {
  // A page that is free is no mistake here: the call is there to find that out.
  const Machine& machine = Machine::get();
  const unsigned long pfn = machine.pfn_of(page);
  if (pfn != 0 && !machine.frame(pfn).is_allocated.load(std::memory_order_acquire)) return false;
  Frame& frame = kmapper::linux_face::expect_counted(
      page, "try_get_page of something that is not a page", __builtin_return_address(0));
  std::int32_t count = frame.count.load(std::memory_order_relaxed);
  while (count > 0 && !frame.count.compare_exchange_weak(count, count + 1)) {
  }
  return count > 0;
}

void put_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  Frame& frame = kmapper::linux_face::expect_counted(
      page, "put_page of something that is not an allocated page", caller);
  const unsigned long pfn = machine.pfn_of(page);
  if (frame.count.load(std::memory_order_relaxed) <= 0) {
    stop({.what = "put_page of a page whose count is 0",
          .pfn = pfn,
          .caller = caller,
          .advice = kmapper::linux_face::kNoCount});
  }
  if (frame.count.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (frame.order != 0 && !frame.is_compound) {
    stop({.what = "put_page of a page in an allocation of several that is not compound",
          .pfn = pfn,
          .caller = caller,
          .advice = "a kernel would free the first page only: use __free_pages, or __GFP_COMP"});
  }
  kmapper::linux_face::release(machine, machine.head_of(pfn), caller);
}

int page_count(const page* page) {
  const Machine& machine = Machine::get();
  const unsigned long pfn = machine.pfn_of(page);
  return pfn != 0 ? machine.frame(machine.head_of(pfn)).count.load(std::memory_order_relaxed) : 0;
}

page* kmapper_compound_head(const page* page) {
  Machine& machine = Machine::get();
  return machine.page_of(kmapper::linux_face::expect_head(
      machine, page, "page_folio or compound_head of something that is not an allocated page",
      __builtin_return_address(0)));
}

unsigned compound_order(const page* page) {
  Machine& machine = Machine::get();
  const Frame& frame = machine.frame(kmapper::linux_face::expect_allocated(
      machine, page, "a size of something that is not an allocated page",
      __builtin_return_address(0)));
  return frame.is_compound && frame.is_head ? frame.order : 0;
}

int kmapper_page_flag(const page* page, int flag, int operation) {
  Machine& machine = Machine::get();
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "a page flag of something that is not an allocated page",
      __builtin_return_address(0));
  // The flags of a compound page are those of its first page, except these.
  const bool is_of_each_page = flag == PG_private || flag == PG_private_2 || flag == PG_hwpoison;
  struct page& it = *machine.page_of(is_of_each_page ? pfn : machine.head_of(pfn));
  switch (operation) {
    case KMAPPER_FLAG_SET:
    case KMAPPER_FLAG_TEST_AND_SET:
      return kmapper::linux_face::set_flag(it, flag) ? 1 : 0;
    case KMAPPER_FLAG_CLEAR:
    case KMAPPER_FLAG_TEST_AND_CLEAR:
      return kmapper::linux_face::clear_flag(it, flag) ? 1 : 0;
    default:
      return kmapper::linux_face::has_flag(it, flag) ? 1 : 0;
  }
}

void flush_dcache_page(page* page) {
  (void)kmapper::linux_face::expect_allocated(
      Machine::get(), page, "flush_dcache_page of something that is not an allocated page",
      __builtin_return_address(0));
}
