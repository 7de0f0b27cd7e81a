#include "kernel/mm/boot_memory.hpp"

#include <optional>

#include "arch/paging.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kFramesInBlock = kLargePageSize / kPageSize;
constexpr PfnRange kLow{Pfn{0}, kFirstHighPfn};
constexpr PfnRange kHigh{kFirstHighPfn, kMaxPfn};

// The end of the boot memory in use, and the end of its mapping.
constinit VirtAddr used_end = kBootMemoryBase;
constinit VirtAddr mapped_end = kBootMemoryBase;

std::uint32_t round_up_to_pages(std::size_t bytes) {
  return static_cast<std::uint32_t>((bytes + kPageSize - 1) & ~(kPageSize - 1));
}

// Contiguous low memory, which is mapped already.
void* take_low(MemoryMap& map, std::uint32_t size) {
  const std::optional<Pfn> first = map.take(size / kPageSize, 1, kLow);
  if (!first) panic("no {} KiB of low memory in a row for the page allocator", size / 1024);
  void* const memory = phys_to_direct(to_phys(*first));
  memset(memory, 0, size);
  return memory;
}

}  // namespace

void map_boot_block(MemoryMap& map, VirtAddr address, std::string_view for_what) {
  std::optional<Pfn> block = map.take(kFramesInBlock, kFramesInBlock, kHigh);
  if (!block) block = map.take(kFramesInBlock, kFramesInBlock, kLow);
  if (!block) {
    panic("no {} KiB in a row for {} at {}; {} KiB are left", kLargePageSize / 1024, for_what,
          address, map.pages() * (kPageSize / 1024));
  }
  map_block(address, to_phys(*block));
  memset(to_pointer(address), 0, kLargePageSize);
}

void* allocate_boot_memory(MemoryMap& map, std::size_t bytes) {
  const std::uint32_t size = round_up_to_pages(bytes);
  if (map.pages(kHigh) < kFramesInBlock) return take_low(map, size);
  if (size > kBootMemoryEnd - used_end) panic("boot memory has no room for {} bytes", bytes);
  const VirtAddr begin = used_end;
  used_end = used_end + size;
  for (; mapped_end < used_end; mapped_end = mapped_end + kLargePageSize) {
    map_boot_block(map, mapped_end, "the page allocator");
  }
  return to_pointer(begin);
}

}  // namespace kmapper::kernel
