// Reads what a Multiboot loader leaves (Multiboot specification 0.6.96, section 3.3). The
// structures, the strings and the list of modules may lie anywhere in physical memory, so each is
// copied through the boot window.
#include "kernel/boot_info.hpp"

#include "arch/paging.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kLoaderMagic = 0x2BADB002;
constexpr std::uint32_t kHasCommandLine = 1U << 2;
constexpr std::uint32_t kHasModules = 1U << 3;
constexpr std::uint32_t kHasMemoryMap = 1U << 6;

struct MultibootInfo {
  std::uint32_t flags, memory_lower, memory_upper, boot_device;
  std::uint32_t command_line;
  std::uint32_t module_count, modules;
  std::uint32_t symbols[4];
  std::uint32_t memory_map_size, memory_map;
};
struct MultibootModule {
  std::uint32_t begin, end, name, reserved;
};
struct [[gnu::packed]] MultibootMemory {
  std::uint32_t size;  // of what follows
  std::uint64_t begin, length;
  std::uint32_t type;
};
constexpr std::uint32_t kUsable = 1;

constexpr std::size_t kMaxMemory = 64;
constexpr std::size_t kMaxModules = 64;
constexpr std::size_t kMaxText = 16384;  // of the command line and all names

constinit BootInfo info{};
constinit BootMemory memory[kMaxMemory]{};
constinit BootModule modules[kMaxModules]{};
constinit char text[kMaxText]{};
constinit std::size_t text_used = 0;

template <class T>
T read(std::uint32_t address) {
  T value;
  read_physical(PhysAddr{address}, {reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

std::string_view read_text(std::uint32_t address) {
  constexpr std::size_t kPiece = 64;
  const std::size_t begin = text_used;
  for (;;) {
    if (text_used + kPiece > kMaxText) {
      panic("the loader's command line and module names have more than {} characters", kMaxText);
    }
    auto* const piece = reinterpret_cast<unsigned char*>(text + text_used);
    read_physical(PhysAddr{address}, {piece, kPiece});
    for (std::size_t i = 0; i < kPiece; ++i, ++text_used) {
      if (piece[i] == 0) return {text + begin, text_used - begin};
    }
    address += kPiece;
  }
}

std::span<const BootMemory> read_memory_map(std::uint32_t map, std::uint32_t size) {
  std::size_t count = 0;
  for (std::uint32_t offset = 0; offset < size;) {
    if (count == kMaxMemory) panic("the memory map has more than {} entries", kMaxMemory);
    const auto entry = read<MultibootMemory>(map + offset);
    const PhysAddr begin{entry.begin};
    memory[count++] = {{begin, begin + entry.length}, entry.type == kUsable};
    offset += entry.size + sizeof entry.size;
  }
  return {memory, count};
}

std::span<const BootModule> read_modules(std::uint32_t list, std::uint32_t count) {
  if (count > kMaxModules) panic("there are {} boot modules; room is for {}", count, kMaxModules);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto module = read<MultibootModule>(list + i * sizeof(MultibootModule));
    modules[i] = {{PhysAddr{module.begin}, PhysAddr{module.end}}, read_text(module.name)};
  }
  return {modules, count};
}

}  // namespace

const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr multiboot) {
  if (magic != kLoaderMagic) {
    panic("not started by a Multiboot loader: it left {:x}, not {:x}", magic, kLoaderMagic);
  }
  const auto loader = read<MultibootInfo>(static_cast<std::uint32_t>(to_number(multiboot)));
  if ((loader.flags & kHasMemoryMap) == 0) panic("the loader gave no memory map");
  info.memory = read_memory_map(loader.memory_map, loader.memory_map_size);
  if ((loader.flags & kHasCommandLine) != 0) info.command_line = read_text(loader.command_line);
  if ((loader.flags & kHasModules) != 0) {
    info.modules = read_modules(loader.modules, loader.module_count);
  }
  return info;
}

}  // namespace kmapper::kernel
