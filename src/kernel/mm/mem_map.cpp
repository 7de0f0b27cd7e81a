#include "kernel/mm/mem_map.hpp"

#include "kernel/mm/boot_memory.hpp"
#include "kernel/mm/page.hpp"

namespace kmapper::kernel {

void mem_map_init(MemoryMap& map, std::span<const PfnRange> ram) {
  constexpr std::uint32_t kPagesInBlock = kLargePageSize / sizeof(Page);
  std::uint32_t next = 0;  // lower blocks are mapped, or describe no RAM
  for (const PfnRange range : ram) {
    const std::uint32_t last = (to_number(range.end) - 1) / kPagesInBlock;
    for (std::uint32_t block = to_number(range.begin) / kPagesInBlock; block <= last; ++block) {
      if (block < next) continue;
      map_boot_block(map, kMemMapBase + block * kLargePageSize, "mem_map");
      next = block + 1;
    }
  }
}

}  // namespace kmapper::kernel
