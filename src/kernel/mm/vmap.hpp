// Several pages at consecutive addresses, under the usual names. kmapper/core/vmap.hpp says what
// the calls cost and what they refuse.
#pragma once

#include <span>

#include "kernel/mm/kernel_platform.hpp"
#include "kmapper/core/vmalloc.hpp"

extern template class kmapper::VmapRange<kmapper::kernel::KernelPlatform>;
extern template class kmapper::VmallocRange<kmapper::kernel::KernelPlatform>;

namespace kmapper::kernel {

extern constinit VmallocRange<KernelPlatform> vmap_range;

[[nodiscard]] inline kmapper::Result<void*> vmap(std::span<Page* const> pages) {
  return vmap_range.vmap(pages);
}
[[gnu::always_inline]] inline void vunmap(const void* address) { vmap_range.vunmap(address); }

/// Allocates memory for so many bytes, high if there is high memory, at consecutive addresses. A
/// page that is never mapped lies behind it. What it costs and refuses: VmallocRange::vmalloc().
[[nodiscard]] inline kmapper::Result<void*> vmalloc(std::uint32_t bytes) {
  return vmap_range.vmalloc(bytes / kPageSize + (bytes % kPageSize != 0 ? 1 : 0));
}
[[gnu::always_inline]] inline void vfree(const void* address) { vmap_range.vfree(address); }

/// Takes the range's page tables out of the map, and opens the range. Panics if there is no room.
/// Once, at boot.
void vmap_init(MemoryMap& map);

}  // namespace kmapper::kernel
