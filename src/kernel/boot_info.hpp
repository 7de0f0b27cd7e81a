// What the loader left for the kernel, copied out of the loader's memory before any of that memory
// can be handed out. Nothing here points at what the loader wrote; modules' contents stay where the
// loader put them, reserved until release (jobs give a module back by freeing its pages).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// A file that the loader put into memory. May lie, in part or whole, above the direct map.
struct BootModule {
  PhysRange range;        // begins on a page; the last page may be used in part
  std::string_view name;  // the words the loader was given with it, blanks and all
};

/// The screen in text mode, as the loader left it: two bytes a cell, row by row.
struct TextScreen {
  PhysAddr cells{};
  std::uint32_t width = 0;  // of a row, in cells; 0: there is no such screen
  std::uint32_t height = 0;
};

struct BootInfo {
  std::string_view command_line;  // command_line.hpp finds words in it
  MemoryMap memory;               // all that is memory, whoever has it by now
  std::span<const BootModule> modules;
  TextScreen screen;
};

/// Copies what the loader left. `magic` and `address` are what the CPU's registers held at entry.
/// Call once, on the boot page tables, before anything allocates. Panics if the loader is no
/// Multiboot loader, gave no memory map or one that is none, or gave more modules or text than
/// there is room for.
[[nodiscard]] const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr address);

}  // namespace kmapper::kernel
