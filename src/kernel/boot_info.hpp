// What the loader left for the kernel, copied out of the loader's memory before any of that memory
// can be handed out. Nothing here points at what the loader wrote; modules' contents stay where the
// loader put them, reserved until release (jobs give a module back by freeing its pages).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/boot_modules.hpp"
#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel {

/// What is never memory, nor a module's, whatever the loader's map says: firmware writes to the
/// first 64 KiB long after boot; and some maps forget the video memory and the ROMs.
inline constexpr PhysRange kFirmwareMemory{PhysAddr{0}, PhysAddr{0x10000}};
inline constexpr PhysRange kVideoAndRoms{PhysAddr{0xA0000}, PhysAddr{0x100000}};

/// The screen in text mode, as the loader left it: two bytes a cell, row by row.
struct TextScreen {
  PhysAddr cells{};
  std::uint32_t width = 0;  // of a row, in cells; 0: there is no such screen
  std::uint32_t height = 0;
  bool is_known = false;  // else the loader does not say what kind of screen there is
};

struct BootInfo {
  std::string_view command_line;  // command_line.hpp finds words in it
  MemoryMap memory;               // all that is memory, whoever has it by now
  std::span<const BootModule> modules;
  TextScreen screen;
};

/// Copies what the loader left. `magic` and `address` are what the CPU's registers held at entry.
/// Call once, on the boot page tables, before anything allocates. Panics if the loader is no
/// Multiboot loader, gave no memory map, one that is none or one without memory, a module that
/// cannot be used, or more modules or text than there is room for.
[[nodiscard]] const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr address);

}  // namespace kmapper::kernel
