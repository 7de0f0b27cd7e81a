// The structures of a Multiboot loader (Multiboot specification 0.6.96, section 3.3). The loader
// puts them anywhere in the first 4 GiB, so each is read through a function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/mm/memory_map.hpp"

namespace kmapper::kernel::multiboot {

inline constexpr std::uint32_t kLoaderMagic = 0x2BADB002;
inline constexpr std::uint32_t kHasCommandLine = 1U << 2;
inline constexpr std::uint32_t kHasModules = 1U << 3;
inline constexpr std::uint32_t kHasMemoryMap = 1U << 6;

inline constexpr std::uint32_t kHasFramebuffer = 1U << 12;
inline constexpr std::uint8_t kTextMode = 2;  // type of a framebuffer

struct [[gnu::packed]] Info {
  std::uint32_t flags, memory_lower, memory_upper, boot_device;
  std::uint32_t command_line;
  std::uint32_t module_count, modules;
  std::uint32_t symbols[4];
  std::uint32_t memory_map_size, memory_map;
  std::uint32_t drives_size, drives, configuration_table, loader_name, apm_table;
  std::uint32_t vbe_control, vbe_mode_info, vbe_mode_and_segment, vbe_offset_and_size;
  std::uint64_t framebuffer;
  std::uint32_t framebuffer_pitch, framebuffer_width, framebuffer_height;
  std::uint8_t framebuffer_bits, framebuffer_type;
};
static_assert(offsetof(Info, framebuffer) == 88 && offsetof(Info, framebuffer_type) == 109);

struct Module {
  std::uint32_t begin, end, name, reserved;
};
struct [[gnu::packed]] MemoryEntry {
  std::uint32_t size;  // of the rest of the entry
  std::uint64_t begin, length;
  std::uint32_t type;
};

/// Copies physical memory: read_physical(), or a test's.
using Reader = void (*)(PhysAddr from, std::span<unsigned char> to);

template <class T>
[[nodiscard]] T read(Reader reader, std::uint64_t address) {
  T value;
  reader(PhysAddr{address}, {reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

/// The usable memory of a map, below what a page frame number can name.
struct Memory {
  MemoryMap usable;
  std::uint64_t
      read;  // bytes of the map that were read; fewer than it has: the next bytes are not an entry
};

/// Reads a memory map with any number of entries in any order. Too few bytes behind the last entry
/// are ignored. Memory is what has type 1: all other types (reserved, ACPI's tables, NVS, bad
/// memory, and future ones) are not memory, and stay so; ACPI's tables too, because they are read
/// later. An entry of memory that reaches the end of all addresses is dropped; a reserved one ends
/// there. At boot only: see Reader.
[[nodiscard]] Memory read_memory_map(Reader reader, std::uint32_t address, std::uint32_t size);

}  // namespace kmapper::kernel::multiboot
