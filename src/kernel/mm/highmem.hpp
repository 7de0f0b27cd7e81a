// The window over high memory, and the CPUs' local slots, under the usual names. kmap() and
// kmap_local() take any page: for low memory they return its permanent address.
// kmapper/core/mapper.hpp and kmapper/core/local_map.hpp say which calls may sleep, and what they
// cost.
#pragma once

#include <cstddef>

#include "kernel/mm/kernel_platform.hpp"
#include "kmapper/core/local_mapping.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/reservation.hpp"

extern template class kmapper::Mapper<kmapper::kernel::KernelPlatform>;
extern template class kmapper::LocalMapper<kmapper::kernel::KernelPlatform>;

namespace kmapper::kernel {

extern constinit Mapper<KernelPlatform> highmem;
extern constinit LocalMapper<KernelPlatform> local_maps;

[[nodiscard]] inline void* kmap(Page* page) { return highmem.kmap(page); }
inline void kunmap(Page* page) { highmem.kunmap(page); }
[[nodiscard]] inline void* kmap_high(Page* page) { return highmem.kmap_high(page); }
inline void kunmap_high(Page* page) { highmem.kunmap_high(page); }
[[nodiscard]] inline void* try_kmap(Page* page) { return highmem.try_kmap(page); }
inline std::uint32_t flush_all_zero_pkmaps() { return highmem.flush_all_zero_pkmaps(); }

/// For a short access by this thread or interrupt alone; the last mapping is unmapped first.
[[nodiscard, gnu::always_inline]] inline void* kmap_local(Page* page) {
  return local_maps.kmap_local(page);
}
[[gnu::always_inline]] inline void kunmap_local(const void* address) {
  local_maps.kunmap_local(address);
}

/// Whole operations by kmap_local(), for callers that need no mapping of their own. Any context.
void copy_highpage(Page* to, Page* from);
void clear_highpage(Page* page);
/// The bytes must lie within the page.
void memcpy_from_page(void* to, Page* from, std::size_t offset, std::size_t size);
void memcpy_to_page(Page* to, std::size_t offset, const void* from, std::size_t size);

/// Releases the pins that a thread leaves behind, in a checked build; a release build does not know
/// them. Returns how many it released. Any context.
std::uint32_t release_pins_of(const Thread& thread);

}  // namespace kmapper::kernel
