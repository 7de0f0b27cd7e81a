// Maps memory for mem_map at boot.
#pragma once

#include <span>

#include "kernel/mm/address.hpp"
#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// Maps and zeroes mem_map wherever it describes memory of `ram`. That takes 2 MiB of the map for
/// each GiB that has RAM. Panics if there is no room. Once, at boot.
void mem_map_init(MemoryMap& map, std::span<const PfnRange> ram);

}  // namespace kmapper::kernel
