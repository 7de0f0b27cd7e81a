// Permanent memory from before there is a page allocator: for mem_map and for the zones' bitmaps.
// It comes from high memory while there is any, because low memory is scarce and boot modules may
// have left little of it.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernel/mm/address.hpp"
#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// Takes 2 MiB, aligned to 2 MiB, out of the map, maps them at `address`, and zeroes them. If there
/// is no such block, it panics and names `for_what`.
void map_boot_block(MemoryMap& map, VirtAddr address, std::string_view for_what);

/// Takes zeroed memory out of the map. Panics if there is not enough, or if kBootMemoryEnd is
/// reached.
[[nodiscard]] void* allocate_boot_memory(MemoryMap& map, std::size_t bytes);

}  // namespace kmapper::kernel
