#include "kernel/multiboot.hpp"

namespace kmapper::kernel::multiboot {
namespace {

constexpr std::uint32_t kUsable = 1;
/// The least size of an entry, without its size field.
constexpr std::uint32_t kLeastSize = sizeof(MemoryEntry) - sizeof(std::uint32_t);

PhysRange range_of(const MemoryEntry& entry) {
  const PhysAddr begin{entry.begin};
  if (entry.length <= UINT64_MAX - entry.begin) return {begin, begin + entry.length};
  return {begin, entry.type == kUsable ? begin : PhysAddr{UINT64_MAX}};
}

// Calls visit(entry) for each entry. Returns how many bytes of the map it read.
template <class Visit>
std::uint64_t for_each_entry(Reader reader, std::uint32_t address, std::uint32_t size,
                             Visit visit) {
  std::uint64_t offset = 0;
  while (offset + sizeof(MemoryEntry) <= size) {
    const auto entry = read<MemoryEntry>(reader, address + offset);
    if (entry.size < kLeastSize) return offset;
    visit(entry);
    offset += sizeof entry.size + std::uint64_t{entry.size};
  }
  return size;
}

}  // namespace

// Two passes: reserved ranges win, whatever the order.
Memory read_memory_map(Reader reader, std::uint32_t address, std::uint32_t size) {
  Memory memory{};
  memory.read = for_each_entry(reader, address, size, [&](const MemoryEntry& entry) {
    if (entry.type == kUsable) memory.usable.add(range_of(entry));
  });
  for_each_entry(reader, address, size, [&](const MemoryEntry& entry) {
    if (entry.type != kUsable) memory.usable.reserve(range_of(entry));
  });
  return memory;
}

}  // namespace kmapper::kernel::multiboot
