// vmap, vmalloc and their like.
#include "kmapper/linux/vmalloc.h"

#include <sys/mman.h>

#include <vector>

#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

using Kind = VmArea::Kind;

/// Maps the pages in a row. Null: there is no memory, or no addresses.
void* map(Machine& machine, std::vector<unsigned long> pages, Kind kind, int protection,
          const void* caller) {
  if (machine.layout.machine_page() != PAGE_SIZE) {
    report({.what = "vmap maps nothing where the machine's pages are larger than PAGE_SIZE",
            .caller = caller,
            .advice = "run it on a machine with pages of 4096 bytes"});
    return nullptr;
  }
  const std::size_t size = pages.size() << PAGE_SHIFT;
  void* begin = system::reserve(size + PAGE_SIZE);
  if (begin == MAP_FAILED) {
    const std::lock_guard lock(machine.mutex);
    machine.areas.forget_retired();
    begin = system::reserve(size + PAGE_SIZE);
  }
  if (begin == MAP_FAILED) return nullptr;
  system::AddressRange range(static_cast<std::byte*>(begin), size + PAGE_SIZE);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (system::map_over(range.begin() + (i << PAGE_SHIFT), PAGE_SIZE, protection, MAP_SHARED,
                         machine.file(),
                         static_cast<std::int64_t>(machine.layout.offset_of(pages[i]))) != 0) {
      return nullptr;
    }
  }
  const std::lock_guard lock(machine.mutex);
  for (const unsigned long pfn : pages)
    machine.frame(pfn).vmaps.fetch_add(1, std::memory_order_relaxed);
  return machine.areas.add({std::move(range), std::move(pages), kind, caller, nullptr})
      .range.begin();
}

void* map_pages(page** pages, unsigned count, Kind kind, const char* call, pgprot_t prot,
                const void* caller) {
  Machine& machine = Machine::get();
  Thread::current().expect_may_sleep(call, 0, caller);
  if (count == 0) return nullptr;
  std::vector<unsigned long> pfns(count);
  for (unsigned i = 0; i < count; ++i) {
    pfns[i] = expect_allocated(machine, pages[i], "vmap of something that is not an allocated page",
                               caller);
  }
  const int protection = prot.pgprot == 0 ? PROT_READ | PROT_WRITE : PROT_READ;
  return map(machine, std::move(pfns), kind, protection, caller);
}

struct Unmapping {
  Kind kind;
  const char* asleep;   // the mistake of calling it where the thread must not sleep
  const char* unknown;  // the mistakes of passing another address, and one of another kind
  const char* of_other;
};

/// Unmaps the area that begins at an address, and returns its pages. `count`: how many it has to
/// have; 0: any number.
std::vector<unsigned long> unmap(const void* address, const Unmapping& call, unsigned count,
                                 const void* caller) {
  Machine& machine = Machine::get();
  Thread::current().expect_may_sleep(call.asleep, 0, caller);
  const std::lock_guard lock(machine.mutex);
  VmArea* const area = machine.areas.find(address);
  const auto refuse = [&](const char* what, const char* advice) {
    stop({.what = what,
          .caller = caller,
          .advice = advice,
          .other = area == nullptr                ? nullptr
                   : area->unmapped_by != nullptr ? area->unmapped_by
                                                  : area->mapped_by});
  };
  if (area == nullptr || area->range.begin() != address)
    refuse(call.unknown, "pass what it returned");
  if (area->unmapped_by != nullptr) refuse(call.unknown, "the other call has unmapped it already");
  if (area->kind != call.kind)
    refuse(call.of_other, "vunmap what vmap returned, and vfree what vmalloc did");
  if (count != 0 && count != area->pages.size())
    refuse("vm_unmap_ram with another count", "pass the count of vm_map_ram, the other call");
  for (const unsigned long pfn : area->pages)
    machine.frame(pfn).vmaps.fetch_sub(1, std::memory_order_relaxed);
  std::byte* const begin = area->range.begin();
  if (const int error =
          system::map_over(begin, area->range.size(), PROT_NONE, system::kReserved, -1, 0);
      error != 0) {
    fail("unmapping an area", error);
  }
  std::vector<unsigned long> pages = area->pages;
  machine.areas.retire(*area, caller);
  return pages;
}

void free_all(const std::vector<unsigned long>& pages, const void* caller) {
  Machine& machine = Machine::get();
  for (const unsigned long pfn : pages)
    if (machine.frame(pfn).count.fetch_sub(1, std::memory_order_acq_rel) == 1)
      release(machine, pfn, caller);
}

void* allocate_area(unsigned long size, gfp_t flags, const void* caller) {
  Thread::current().expect_may_sleep("vmalloc in a section that must not sleep", 0, caller);
  std::vector<unsigned long> pages;
  for (unsigned long i = 0; i < PFN_UP(size); ++i) {
    const unsigned long pfn = allocate(flags | __GFP_HIGHMEM, 0, caller);
    if (pfn == 0) break;
    mark_as_the_librarys(Machine::get(), pfn);
    pages.push_back(pfn);
  }
  void* const address =
      size != 0 && pages.size() == PFN_UP(size)
          ? map(Machine::get(), pages, Kind::vmalloc, PROT_READ | PROT_WRITE, caller)
          : nullptr;
  if (address == nullptr) free_all(pages, caller);
  return address;
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::allocate_area;
using kmapper::linux_face::Kind;
using kmapper::linux_face::Machine;

void* vmap(page** pages, unsigned count, unsigned long /*flags*/, pgprot_t prot) {
  return kmapper::linux_face::map_pages(pages, count, Kind::vmap,
                                        "vmap in a section that must not sleep", prot,
                                        __builtin_return_address(0));
}

void vunmap(const void* address) {
  if (address == nullptr) return;
  (void)kmapper::linux_face::unmap(
      address,
      {Kind::vmap, "vunmap in a section that must not sleep",
       "vunmap of an address that vmap did not return", "vunmap of an area that vmap did not make"},
      0, __builtin_return_address(0));
}

void* vm_map_ram(page** pages, unsigned count, int /*node*/) {
  return kmapper::linux_face::map_pages(pages, count, Kind::vm_map_ram,
                                        "vm_map_ram in a section that must not sleep", PAGE_KERNEL,
                                        __builtin_return_address(0));
}

void vm_unmap_ram(const void* address, unsigned count) {
  (void)kmapper::linux_face::unmap(
      address,
      {Kind::vm_map_ram, "vm_unmap_ram in a section that must not sleep",
       "vm_unmap_ram of an address that vm_map_ram did not return",
       "vm_unmap_ram of an area that vm_map_ram did not make"},
      count, __builtin_return_address(0));
}

void* vmalloc(unsigned long size) {
  return allocate_area(size, GFP_KERNEL, __builtin_return_address(0));
}

void* vzalloc(unsigned long size) {
  return allocate_area(size, GFP_KERNEL | __GFP_ZERO, __builtin_return_address(0));
}

void* __vmalloc(unsigned long size, gfp_t flags) {
  return allocate_area(size, flags, __builtin_return_address(0));
}

void vfree(const void* address) {
  if (address == nullptr) return;
  const void* const caller = __builtin_return_address(0);
  kmapper::linux_face::free_all(
      kmapper::linux_face::unmap(address,
                                 {Kind::vmalloc, "vfree in a section that must not sleep",
                                  "vfree of an address that vmalloc did not return",
                                  "vfree of an area that vmalloc did not make"},
                                 0, caller),
      caller);
}

page* vmalloc_to_page(const void* address) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const kmapper::linux_face::VmArea* const area = machine.areas.find(address);
  const auto index = area == nullptr
                         ? 0
                         : static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                                    area->range.begin()) >>
                               PAGE_SHIFT;
  if (area != nullptr && area->unmapped_by == nullptr && index < area->pages.size())
    return machine.page_of(area->pages[index]);
  kmapper::linux_face::stop({.what = "vmalloc_to_page of an address that maps nothing",
                             .caller = __builtin_return_address(0),
                             .advice = "pass an address of an area that is mapped"});
}

bool is_vmalloc_addr(const void* address) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  return machine.areas.find(address) != nullptr;
}
