// Acts as firmware and boot loader for the kernel's tests. The kernel is the first module. All
// other modules, the command line, the memory map and the machine's tables and registers are as the
// command line asks; anything that it does not mention stays as QEMU has it. Then it starts the
// kernel as a Multiboot loader does. The kernel gets the same command line, and ignores these
// words:
//   map=none|empty|short|reserved   the loader gives no memory map; one of no bytes; of 19 bytes;
//                                   one without memory
//   modules=B-E,...                 modules from physical address B to E, in hexadecimal
//   count=N                         so many modules without a byte, besides
//   names=none                      the modules have no names
//   line=none                       the kernel has no command line
//   apic=x2                         the local APIC is in x2APIC mode; off: it is disabled
//   tsc=N                           this CPU's time-stamp counter is so many seconds, at 1 GHz,
//                                   ahead of all others'
// and those of tables.hpp.
#include <algorithm>

#include "arch/cpu.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/multiboot.hpp"
#include "tables.hpp"
#include "words.hpp"

namespace kmapper::firmware {
namespace {

using namespace kernel::multiboot;

constexpr std::uint32_t kMostModules = 100;
constexpr std::uint32_t kMostEntries = 32;

constinit Info information{};
constinit Module modules[kMostModules]{};
constinit MemoryEntry memory_map[kMostEntries]{};

template <class T>
T* pointer(std::uint32_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT: physical addresses are addresses here
}
std::uint32_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

// --- The kernel: an ELF file; its segments are copied to their addresses ---

struct ElfHeader {
  std::uint8_t identification[16];
  std::uint16_t type, machine;
  std::uint32_t version, entry, segments, sections, flags;
  std::uint16_t header_size, segment_size, segment_count;
};
struct ElfSegment {
  static constexpr std::uint32_t kLoad = 1;
  std::uint32_t type, offset, address, physical, size_in_file, size, flags, alignment;
};

// Returns the physical address of the entry. The file may lie where the kernel will be loaded, so
// it is moved out of the way first.
std::uint32_t load_kernel(const Module& given) {
  constexpr std::uint32_t kOutOfTheWay = 0x3000000;
  const auto* const file = pointer<const unsigned char>(kOutOfTheWay);
  memmove(pointer<void>(kOutOfTheWay), pointer<const void>(given.begin), given.end - given.begin);
  const auto& header = *reinterpret_cast<const ElfHeader*>(file);
  std::uint32_t entry = header.entry;
  for (std::uint32_t i = 0; i < header.segment_count; ++i) {
    const auto& segment =
        *reinterpret_cast<const ElfSegment*>(file + header.segments + i * header.segment_size);
    if (segment.type != ElfSegment::kLoad) continue;
    auto* const to = pointer<unsigned char>(segment.physical);
    std::copy_n(file + segment.offset, segment.size_in_file, to);
    std::fill_n(to + segment.size_in_file, segment.size - segment.size_in_file, 0);
    if (header.entry - segment.address < segment.size)
      entry = header.entry - segment.address + segment.physical;
  }
  return entry;
}

// --- The loader's information ---

// The loader's map, without our tables.
void copy_map(const Info& from) {
  std::uint32_t entries = 0;
  for (std::uint32_t at = 0; at < from.memory_map_size && entries < kMostEntries;) {
    const auto& entry = *pointer<const MemoryEntry>(from.memory_map + at);
    memory_map[entries] = entry;
    memory_map[entries].size = sizeof entry - sizeof entry.size;
    if (entry.begin < kTablesBegin && entry.begin + entry.length > kTablesBegin)
      memory_map[entries].length = kTablesBegin - entry.begin;
    if (word("map") == "reserved") memory_map[entries].type = 2;
    ++entries;
    at += sizeof entry.size + entry.size;
  }
  information.memory_map = address_of(memory_map);
  information.memory_map_size = entries * sizeof(MemoryEntry);
  if (word("map") == "empty") information.memory_map_size = 0;
  if (word("map") == "short") information.memory_map_size = 19;
  if (word("map") == "none") information.flags &= ~kHasMemoryMap;
}

void make_modules() {
  static constexpr char kName[] = "a module";
  const std::uint32_t name = word("names") == "none" ? 0 : address_of(kName);
  std::uint32_t count = 0;
  for_each_item(word("modules"), [&](std::string_view range) {
    const std::uint32_t begin = hexadecimal(range);
    range.remove_prefix(range.find('-') + 1);
    modules[count++] = {begin, hexadecimal(range), name, 0};
  });
  const std::uint32_t more = kernel::parse_number(word("count")).value_or(0);
  for (std::uint32_t i = 0; i < more; ++i) modules[count++] = {0x3000000, 0x3000000, name, 0};
  information.modules = address_of(modules);
  information.module_count = count;
}

// --- The CPU's registers ---

void set_registers() {
  using kernel::read_msr;
  using kernel::write_msr;
  constexpr std::uint32_t kTsc = 0x10;
  constexpr std::uint32_t kApicBase = 0x1B;
  constexpr std::uint32_t kX2Apic = 1U << 10;
  constexpr std::uint32_t kEnabled = 1U << 11;
  constexpr std::uint64_t kGigahertz = 1'000'000'000;
  if (word("apic") == "x2") write_msr(kApicBase, read_msr(kApicBase) | kX2Apic);
  if (word("apic") == "off") write_msr(kApicBase, read_msr(kApicBase) & ~std::uint64_t{kEnabled});
  const std::uint32_t seconds = kernel::parse_number(word("tsc")).value_or(0);
  if (seconds != 0) write_msr(kTsc, read_msr(kTsc) + seconds * kGigahertz);
}

}  // namespace

extern "C" [[noreturn]] void enter_kernel(std::uint32_t magic, std::uint32_t information,
                                          std::uint32_t entry);

extern "C" void play_firmware(const Info* given) {
  information = *given;
  command_line = pointer<const char>(given->command_line);
  const std::uint32_t entry = load_kernel(*pointer<const Module>(given->modules));
  copy_map(*given);
  make_modules();
  if (word("line") == "none") information.command_line = 0;
  write_tables();
  set_registers();
  enter_kernel(kLoaderMagic, address_of(&information), entry);
}

}  // namespace kmapper::firmware
