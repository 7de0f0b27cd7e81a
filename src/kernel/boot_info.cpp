// Reads what a Multiboot loader leaves (multiboot.hpp). The structures, the strings and the list of
// modules may lie anywhere in physical memory, so each is copied through the boot window.
#include "kernel/boot_info.hpp"

#include "arch/paging.hpp"
#include "kernel/multiboot.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::size_t kMaxModules = 64;
constexpr std::size_t kMaxText = 16384;  // for the command line and all names

constinit BootInfo info{};
constinit BootModule modules[kMaxModules]{};
constinit char text[kMaxText]{};
constinit std::size_t text_used = 0;

// Null is an empty text: a loader without one may leave no pointer.
std::string_view read_text(std::uint32_t address) {
  if (address == 0) return {};
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

MemoryMap read_memory(std::uint32_t map, std::uint32_t size) {
  const auto memory = multiboot::read_memory_map(read_physical, map, size);
  if (memory.read != size) {
    panic("the loader's memory map has {} bytes, but no entry at byte {}", size, memory.read);
  }
  if (memory.usable.pages() == 0) {
    panic("the loader's memory map, of {} bytes, has no page of memory", size);
  }
  return memory.usable;
}

TextScreen text_screen(const multiboot::Info& loader) {
  constexpr std::uint32_t kBytesInCell = 2;
  if ((loader.flags & multiboot::kHasFramebuffer) == 0) return {};
  if (loader.framebuffer_type != multiboot::kTextMode ||
      loader.framebuffer_pitch != loader.framebuffer_width * kBytesInCell) {
    return {.is_known = true};
  }
  return {PhysAddr{loader.framebuffer}, loader.framebuffer_width, loader.framebuffer_height, true};
}

BootModule read_module(std::uint32_t address) {
  const auto module = multiboot::read<multiboot::Module>(read_physical, address);
  const PhysRange range{PhysAddr{module.begin}, PhysAddr{module.end}};
  if (module.begin == module.end) return {{}, read_text(module.name)};
  return {range, read_text(module.name)};
}

// Prints each module that cannot be used.
std::span<const BootModule> read_modules(std::uint32_t list, std::uint32_t count) {
  if (count > kMaxModules) panic("there are {} boot modules; room is for {}", count, kMaxModules);
  MemoryMap memory = info.memory;
  for (const PhysRange taken : {kFirmwareMemory, kVideoAndRoms, image_range()})
    memory.reserve(taken);
  std::uint32_t refused = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    modules[i] = read_module(list + i * sizeof(multiboot::Module));
    const auto fault = find_fault(modules[i], memory, {modules, i});
    if (!fault) continue;
    print("boot module {} \"{}\", {} to {}: {}\n", i, modules[i].name, modules[i].range.begin,
          modules[i].range.end, describe(*fault));
    ++refused;
  }
  if (refused != 0) panic("{} of {} boot modules cannot be used", refused, count);
  return {modules, count};
}

}  // namespace

const BootInfo& read_boot_info(std::uint32_t magic, PhysAddr address) {
  using namespace multiboot;
  if (magic != kLoaderMagic) {
    panic("not started by a Multiboot loader: it left {:x}, not {:x}", magic, kLoaderMagic);
  }
  const auto loader = read<Info>(read_physical, to_number(address));
  if ((loader.flags & kHasMemoryMap) == 0) panic("the loader gave no memory map");
  info.memory = read_memory(loader.memory_map, loader.memory_map_size);
  if ((loader.flags & kHasCommandLine) != 0) info.command_line = read_text(loader.command_line);
  if ((loader.flags & kHasModules) != 0) {
    info.modules = read_modules(loader.modules, loader.module_count);
  }
  info.screen = text_screen(loader);
  return info;
}

}  // namespace kmapper::kernel
