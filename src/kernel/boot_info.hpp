// The loader's information for the kernel, copied out of the loader's memory before any of that
// memory is handed out. Nothing here points to the loader's data. Modules' contents stay where the
// loader put them, and are reserved until they are released (a job gives a module back by freeing
// its pages).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/boot_modules.hpp"
#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// Memory that is never used, nor a module's, whatever the loader's map says: firmware writes to
/// the first 64 KiB long after boot, and some maps forget the video memory and the ROMs.
inline constexpr PhysRange kFirmwareMemory{PhysAddr{0}, PhysAddr{0x10000}};
inline constexpr PhysRange kVideoAndRoms{PhysAddr{0xA0000}, PhysAddr{0x100000}};

/// The screen in text mode, as the loader left it: two bytes a cell, row by row.
struct TextScreen {
  PhysAddr cells{};
  std::uint32_t width = 0;  // of a row, in cells; 0: there is no text screen
  std::uint32_t height = 0;
  bool is_known = false;  // false: the loader does not say what kind of screen there is
};

struct BootInfo {
  std::string_view command_line;  // find_word() of command_line.hpp reads it
  MemoryMap memory;               // all memory, free or in use
  std::span<const BootModule> modules;
  TextScreen screen;
};

/// Copies what the loader left. `magic` and `address` are the CPU's registers at entry. Call once,
/// on the boot page tables, before anything allocates. Panics if the loader is not a Multiboot
/// loader; if it gave no memory map, an invalid one, or one without memory; if a module cannot be
/// used; or if there is no room for all modules or all text.
[[nodiscard]] const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr address);

}  // namespace kmapper::kernel
