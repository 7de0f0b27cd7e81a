// The page descriptor and mem_map, the array of the descriptors, indexed by page frame number.
// mem_map lies at a fixed address and is present wherever there is RAM (in steps of 2 MiB, which
// describe 1 GiB). Its entries for frames that are not RAM, or not yet in a zone, are zero. Low
// memory has a permanent address in the direct map, at a constant offset from its physical address.
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/atomic.hpp"
#include "kernel/mm/address.hpp"
#include "kernel/mm/layout.hpp"

namespace kmapper::kernel {

/// One page frame. 8 bytes: 64 GiB of them fit in 128 MiB.
struct Page {
  Atomic<std::uint32_t>
      virtual_;          // page->virtual: the slot that maps the page; belongs to the mapper
  std::uint32_t state_;  // belongs to the page allocator; 0: in no zone
};
static_assert(sizeof(Page) == kSizeOfPage);

[[nodiscard]] inline Page* mem_map() { return static_cast<Page*>(to_pointer(kMemMapBase)); }

[[nodiscard]] inline Page* pfn_to_page(Pfn pfn) { return mem_map() + to_number(pfn); }
[[nodiscard]] inline Pfn page_to_pfn(const Page* page) {
  return Pfn{static_cast<std::uint32_t>(page - mem_map())};
}
[[nodiscard]] inline PhysAddr page_to_phys(const Page* page) { return to_phys(page_to_pfn(page)); }
[[nodiscard]] inline Page* phys_to_page(PhysAddr address) { return pfn_to_page(to_pfn(address)); }

/// Whether the page lies above the direct map. One comparison with a constant.
[[nodiscard]] inline bool is_high(const Page* page) {
  return to_virt(page) >= kMemMapBase + to_number(kFirstHighPfn) * kSizeOfPage;
}
[[nodiscard]] constexpr bool is_high(Pfn pfn) { return pfn >= kFirstHighPfn; }

/// The permanent address of low memory. `address` must be below kLowMemorySize.
[[nodiscard]] inline void* phys_to_direct(PhysAddr address) {
  return to_pointer(kDirectMapBase + static_cast<std::uint32_t>(to_number(address)));
}
[[nodiscard]] inline void* page_to_direct(const Page* page) {
  return phys_to_direct(page_to_phys(page));
}
/// The inverse; `pointer` must lie in the direct map.
[[nodiscard]] inline PhysAddr direct_to_phys(const volatile void* pointer) {
  return PhysAddr{to_virt(pointer) - kDirectMapBase};
}
[[nodiscard]] inline Page* direct_to_page(const volatile void* pointer) {
  return phys_to_page(direct_to_phys(pointer));
}
[[nodiscard]] inline bool is_direct(const volatile void* pointer) {
  return to_virt(pointer) >= kDirectMapBase && to_virt(pointer) < kDirectMapEnd;
}

}  // namespace kmapper::kernel
