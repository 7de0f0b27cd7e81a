// What the loader left for the kernel, copied out of the loader's memory before any of that memory
// can be handed out. Nothing here points at what the loader wrote; modules' contents stay where the
// loader put them, reserved until release (jobs give a module back by freeing its pages).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// One entry of the loader's memory map, as the loader gave it: unsorted, may overlap others, not
/// rounded. Where a usable range and another overlap, the memory is not usable.
struct BootMemory {
  PhysRange range;
  bool usable;  // RAM that the kernel may use
};

/// A file that the loader put into memory. May lie, in part or whole, above the direct map.
struct BootModule {
  PhysRange range;        // begins on a page; the last page may be used in part
  std::string_view name;  // the words the loader was given with it, blanks and all
};

struct BootInfo {
  std::string_view command_line;  // command_line.hpp finds words in it
  std::span<const BootMemory> memory;
  std::span<const BootModule> modules;
};

/// Copies what the loader left. `magic` and `multiboot` are what the CPU's registers held at entry.
/// Call once, on the boot page tables, before anything allocates. Panics if the loader is no
/// Multiboot loader, gave no memory map, or gave more entries, modules or text than there is room
/// for.
[[nodiscard]] const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr multiboot);

}  // namespace kmapper::kernel
