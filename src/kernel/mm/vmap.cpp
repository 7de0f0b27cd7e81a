#include "kernel/mm/vmap.hpp"

#include "kmapper/core/impl/vmalloc.hpp"

template class kmapper::VmapRange<kmapper::kernel::KernelPlatform>;
template class kmapper::VmallocRange<kmapper::kernel::KernelPlatform>;

namespace kmapper::kernel {

constinit VmallocRange<KernelPlatform> vmap_range{KernelPlatform{}};

void vmap_init(MemoryMap& map) {
  vmap_tables_init(map);
  vmap_range.open(KernelPlatform::kMaxVmapPages);
}

}  // namespace kmapper::kernel
