// Memory for good, before there is a page allocator: for mem_map, and for the zones' bitmaps. It
// comes from high memory as long as there is any, because low memory is scarce, and boot modules
// may have left little of it.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernel/mm/address.hpp"
#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// Takes 2 MiB out of the map, on a border of 2 MiB, maps them at `address`, and zeroes them.
/// Panics, naming what it is `for_what`, if there is no such block.
void map_boot_block(MemoryMap& map, VirtAddr address, std::string_view for_what);

/// Takes memory out of the map, zeroed. Panics if there is not enough, or kBootMemoryEnd is
/// reached.
[[nodiscard]] void* allocate_boot_memory(MemoryMap& map, std::size_t bytes);

}  // namespace kmapper::kernel
