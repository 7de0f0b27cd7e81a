// alloc_pages and related calls. A page without __GFP_ZERO is filled with other bytes, so that no
// caller relies on zeros.
#include <algorithm>

#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

constexpr unsigned char kPoison = 0xA5;
constexpr const char* kFreeOfNoPage = "a free of an address outside low memory";

/// Makes each page of an allocation one of its own. The first keeps its count.
void split(Machine& machine, unsigned long first) {
  const unsigned long count = 1UL << machine.frame(first).order;
  for (unsigned long pfn = first; pfn < first + count; ++pfn) {
    Frame& frame = machine.frame(pfn);
    frame.is_head = true;
    frame.order = 0;
    if (pfn != first) frame.count.store(1, std::memory_order_relaxed);
  }
}

/// Frees the pages of an allocation that is not compound, except the first, which has counts left.
void release_others(Machine& machine, unsigned long first, const void* caller) {
  const unsigned long count = 1UL << machine.frame(first).order;
  split(machine, first);
  for (unsigned long pfn = first + 1; pfn < first + count; ++pfn) release(machine, pfn, caller);
}

/// Gives back a count of an allocation of this order.
void free_allocation(const page* page, unsigned order, const void* caller) {
  Machine& machine = Machine::get();
  const unsigned long pfn =
      expect_allocated(machine, page, "a free of a page that is not allocated", caller);
  Frame& frame = machine.frame(pfn);
  if (!frame.is_head || frame.order != order) {
    stop({.what = "a free that does not match its allocation",
          .pfn = pfn,
          .caller = caller,
          .advice = "free what alloc_pages() returned, with the same order"});
  }
  if (frame.count.fetch_sub(1, std::memory_order_acq_rel) == 1)
    release(machine, pfn, caller);
  else if (order != 0 && !frame.is_compound)
    release_others(machine, pfn, caller);
}

void* allocate_low(gfp_t flags, unsigned order, const void* caller) {
  const unsigned long pfn = allocate(flags & ~__GFP_HIGHMEM, order, caller);
  return pfn != 0 ? Machine::get().plain().address(pfn) : nullptr;
}

/// `page` is the first of an allocation by alloc_pages_exact(), of so many pages.
void expect_exact(const page* page, std::size_t count, const void* caller) {
  Machine& machine = Machine::get();
  const unsigned long pfn =
      expect_allocated(machine, page, "a free of a page that is not allocated", caller);
  if (machine.frame(pfn).exact_pages == count) return;
  stop({.what = "a free that does not match its allocation",
        .pfn = pfn,
        .caller = caller,
        .advice = "free what alloc_pages_exact() returned, with the same size"});
}

/// The call that made a mapping of the page; null: it is another thread's local one.
const void* mapped_by(const Machine& machine, unsigned long pfn) {
  for (const Machine::Holder& it : machine.holders)
    if (it.pfn == pfn) return it.caller;
  return Thread::current().mapped_by(pfn);
}

const void* vmapped_by(const Machine& machine, unsigned long pfn) {
  for (const auto& [begin, area] : machine.areas) {
    if (area.unmapped_by == nullptr &&
        std::find(area.pages.begin(), area.pages.end(), pfn) != area.pages.end()) {
      return area.mapped_by;
    }
  }
  return nullptr;
}

/// Reports a page that is freed although it is in use.
void expect_unused(const Machine& machine, unsigned long pfn, const void* caller) {
  const Frame& frame = machine.frame(pfn);
  const page& page = *machine.page_of(pfn);
  const auto refuse = [&](const char* what, const char* advice, const void* other = nullptr) {
    stop({.what = what, .pfn = pfn, .caller = caller, .advice = advice, .other = other});
  };
  if (frame.kmaps != 0 || frame.locals.load(std::memory_order_relaxed) != 0) {
    refuse("a page freed while it is mapped", "the other call mapped it: unmap it before",
           mapped_by(machine, pfn));
  }
  if (frame.vmaps.load(std::memory_order_relaxed) != 0) {
    refuse("a page freed while it is mapped by vmap", "the other call mapped it: vunmap before",
           vmapped_by(machine, pfn));
  }
  if (has_flag(page, PG_locked)) {
    refuse("a page freed while it is locked",
           "the other call locked it: unlock_page before the last put_page", frame.locked.get());
  }
  if (has_flag(page, PG_writeback)) {
    refuse("a page freed while it is under writeback",
           "the other call began that: free the page after end_page_writeback", frame.locked.get());
  }
  if (has_flag(page, PG_private) || has_flag(page, PG_private_2))
    refuse("a page freed with private data", "detach_page_private before the page is freed");
  if (page.mapping != nullptr)
    refuse("a page freed while its mapping is set",
           "look for one put_page too many, or set page->mapping to NULL before");
}

unsigned order_of(std::size_t size) { return static_cast<unsigned>(get_order(size)); }

}  // namespace

unsigned long allocate(gfp_t flags, unsigned order, const void* caller) {
  Machine& machine = Machine::get();
  Thread& thread = Thread::current();
  if (gfpflags_allow_blocking(flags)) {
    thread.expect_may_sleep(
        "an allocation that may sleep in a section that must not sleep (GFP_ATOMIC does not)", 0,
        caller);
  }
  if (order > kMostOrder) return 0;
  const std::lock_guard lock(machine.mutex);
  unsigned long pfn = 0;
  if ((flags & __GFP_HIGHMEM) != 0) pfn = machine.take(Zone::high, order);
  if (pfn == 0) pfn = machine.take(Zone::low, order);
  if (pfn == 0 && (flags & __GFP_NOFAIL) != 0) {
    stop({.what = "an allocation with __GFP_NOFAIL, and there are no pages left",
          .caller = caller,
          .advice = "KMAPPER_LOW_PAGES and KMAPPER_HIGH_PAGES say how many there are"});
  }
  if (pfn == 0) return 0;
  for (unsigned long i = pfn; i < pfn + (1UL << order); ++i) {
    machine.frame(i).allocated.set(caller, thread.id);
    machine.frame(i).is_compound = (flags & __GFP_COMP) != 0 && order != 0;
  }
  if (machine.fill(pfn, order, (flags & __GFP_ZERO) != 0 ? 0 : kPoison)) return pfn;
  machine.give_back(pfn, order, true);
  return 0;
}

void release(Machine& machine, unsigned long pfn, const void* caller) {
  const unsigned order = machine.frame(pfn).order;
  Thread& thread = Thread::current();
  const std::lock_guard lock(machine.mutex);
  for (unsigned long i = pfn; i < pfn + (1UL << order); ++i) expect_unused(machine, i, caller);
  for (unsigned long i = pfn; i < pfn + (1UL << order); ++i)
    machine.frame(i).freed.set(caller, thread.id);
  machine.give_back(pfn, order, thread.is_checked_now());
}

}  // namespace kmapper::linux_face

using kmapper::linux_face::Machine;

page* alloc_pages(gfp_t flags, unsigned order) {
  const unsigned long pfn =
      kmapper::linux_face::allocate(flags, order, __builtin_return_address(0));
  return pfn != 0 ? Machine::get().page_of(pfn) : nullptr;
}

unsigned long alloc_pages_bulk(gfp_t flags, unsigned long count, page** pages) {
  const void* const caller = __builtin_return_address(0);
  unsigned long filled = 0;
  for (unsigned long i = 0; i < count; ++i) {
    if (pages[i] == nullptr) {
      const unsigned long pfn = kmapper::linux_face::allocate(flags, 0, caller);
      pages[i] = pfn != 0 ? Machine::get().page_of(pfn) : nullptr;
    }
    filled += pages[i] != nullptr ? 1 : 0;
  }
  return filled;
}

void __free_pages(page* page, unsigned order) {
  kmapper::linux_face::free_allocation(page, order, __builtin_return_address(0));
}

unsigned long(__get_free_pages)(gfp_t flags, unsigned order) {
  const void* const caller = __builtin_return_address(0);
  if ((flags & __GFP_HIGHMEM) != 0) {
    kmapper::linux_face::report(
        {.what = "__get_free_pages with __GFP_HIGHMEM gives nothing",
         .caller = caller,
         .advice = "a high page has no address: use alloc_pages() and kmap"});
    return 0;
  }
  return reinterpret_cast<unsigned long>(kmapper::linux_face::allocate_low(flags, order, caller));
}

void free_pages(unsigned long address, unsigned order) {
  if (address == 0) return;
  const void* const caller = __builtin_return_address(0);
  kmapper::linux_face::free_allocation(
      kmapper::linux_face::low_page_at(reinterpret_cast<const void*>(address),
                                       kmapper::linux_face::kFreeOfNoPage, caller),
      order, caller);
}

void split_page(page* page, unsigned order) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "split_page of something that is not an allocated page", caller);
  const kmapper::linux_face::Frame& frame = machine.frame(pfn);
  if (!frame.is_head || frame.is_compound || frame.order != order) {
    kmapper::linux_face::stop(
        {.what = "split_page that does not match its allocation",
         .pfn = pfn,
         .caller = caller,
         .advice = "split what alloc_pages() returned without __GFP_COMP, with the same order"});
  }
  kmapper::linux_face::split(machine, pfn);
}

void* alloc_pages_exact(size_t size, gfp_t flags) {
  const void* const caller = __builtin_return_address(0);
  const unsigned order = kmapper::linux_face::order_of(size);
  void* const address =
      kmapper::linux_face::allocate_low(flags & ~static_cast<gfp_t>(__GFP_COMP), order, caller);
  if (address == nullptr) return nullptr;
  Machine& machine = Machine::get();
  const unsigned long first = machine.plain().position(address).pfn;
  kmapper::linux_face::split(machine, first);
  machine.frame(first).exact_pages = static_cast<std::uint16_t>(PFN_UP(size));
  for (unsigned long i = PFN_UP(size); i < 1UL << order; ++i)
    kmapper::linux_face::free_allocation(machine.page_of(first + i), 0, caller);
  return address;
}

void free_pages_exact(void* address, size_t size) {
  const void* const caller = __builtin_return_address(0);
  const page* const first =
      kmapper::linux_face::low_page_at(address, kmapper::linux_face::kFreeOfNoPage, caller);
  kmapper::linux_face::expect_exact(first, PFN_UP(size), caller);
  for (unsigned long i = 0; i < PFN_UP(size); ++i)
    kmapper::linux_face::free_allocation(first + i, 0, caller);
}
