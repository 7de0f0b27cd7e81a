// ACPI specification 6.4, chapter 5: the root pointer (5.2.5) leads to the root table (5.2.7), that
// to all others, among them the description of the interrupt controllers (5.2.12), which lists the
// CPUs. All tables lie below 4 GiB, anywhere, so each piece is copied through the boot window.
#include "acpi.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "arch/paging.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

using Signature = std::array<char, 4>;

struct [[gnu::packed]] RootPointer {
  std::array<char, 8> signature;
  std::uint8_t checksum;
  char oem[6];
  std::uint8_t revision;
  std::uint32_t root_table;
};
struct [[gnu::packed]] TableHeader {
  Signature signature;
  std::uint32_t length;  // of the whole table
  std::uint8_t revision, checksum;
  char oem[6], oem_table[8];
  std::uint32_t oem_revision, creator, creator_revision;
};
static_assert(sizeof(TableHeader) == 36);

constexpr Signature kRootTable{'R', 'S', 'D', 'T'};
constexpr Signature kInterruptControllers{'A', 'P', 'I', 'C'};
constexpr std::uint32_t kControllersHeader = sizeof(TableHeader) + 8;
constexpr std::uint32_t kMostBytes = 1U << 20;  // of a table that is to be believed

struct ControllerHeader {
  std::uint8_t type, length;
};
struct LocalApicEntry {
  std::uint8_t type, length, processor, id;
  std::uint32_t flags;
};
constexpr std::uint8_t kLocalApic = 0;
constexpr std::uint32_t kEnabled = 1;

template <class T>
T read(std::uint32_t address) {
  T value;
  read_physical(PhysAddr{address}, {reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

// Bytes that add up to 0 are as the firmware wrote them.
bool is_whole(std::span<const unsigned char> bytes, std::uint8_t sum = 0) {
  for (const unsigned char byte : bytes) sum = static_cast<std::uint8_t>(sum + byte);
  return sum == 0;
}

bool is_whole_table(std::uint32_t address, std::uint32_t length) {
  std::uint8_t sum = 0;
  for (std::uint32_t i = 0; i < length; ++i) {
    sum = static_cast<std::uint8_t>(sum + read<std::uint8_t>(address + i));
  }
  return sum == 0;
}

// The root pointer lies on a multiple of 16 bytes.
std::optional<std::uint32_t> find_root_table(std::uint32_t begin, std::uint32_t end) {
  constexpr std::string_view kSignature = "RSD PTR ";
  std::array<unsigned char, 1024 + sizeof(RootPointer)> piece;
  for (std::uint32_t at = begin; at < end; at += 1024) {
    read_physical(PhysAddr{at}, piece);
    for (std::uint32_t i = 0; i < 1024 && at + i < end; i += 16) {
      const auto& pointer = *reinterpret_cast<const RootPointer*>(piece.data() + i);
      if (std::equal(kSignature.begin(), kSignature.end(), pointer.signature.begin()) &&
          is_whole({piece.data() + i, sizeof pointer})) {
        return pointer.root_table;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::uint32_t> find_root_table() {
  constexpr std::uint32_t kExtendedBiosSegment = 0x40E;
  const std::uint32_t extended = std::uint32_t{read<std::uint16_t>(kExtendedBiosSegment)} << 4;
  const auto found = extended != 0 ? find_root_table(extended, extended + 1024) : std::nullopt;
  return found ? found : find_root_table(0xE0000, 0x100000);
}

// The length of the table, or nothing if it is another table or a broken one.
std::optional<std::uint32_t> check_table(std::uint32_t address, Signature signature) {
  const auto header = read<TableHeader>(address);
  if (header.signature != signature) return std::nullopt;
  if (header.length < sizeof header || header.length > kMostBytes) return std::nullopt;
  if (!is_whole_table(address, header.length)) return std::nullopt;
  return header.length;
}

struct Table {
  std::uint32_t begin, end;
};

std::optional<Table> find_table(std::uint32_t root_table, Signature signature) {
  const auto length = check_table(root_table, kRootTable);
  if (!length) return std::nullopt;
  for (std::uint32_t at = sizeof(TableHeader); at + 4 <= *length; at += 4) {
    const auto address = read<std::uint32_t>(root_table + at);
    const auto size = check_table(address, signature);
    if (size) return Table{address, address + *size};
  }
  return std::nullopt;
}

CpuList list_cpus(Table controllers) {
  CpuList cpus;
  for (std::uint32_t at = controllers.begin + kControllersHeader;
       at + sizeof(ControllerHeader) <= controllers.end;) {
    const auto header = read<ControllerHeader>(at);
    if (header.length < sizeof header) break;
    if (header.type == kLocalApic && at + sizeof(LocalApicEntry) <= controllers.end) {
      const auto cpu = read<LocalApicEntry>(at);
      if ((cpu.flags & kEnabled) != 0 && ApicId{cpu.id} != local_apic_id())
        cpus.add(ApicId{cpu.id});
    }
    at += header.length;
  }
  return cpus;
}

}  // namespace

CpuList find_other_cpus() {
  const auto root_table = find_root_table();
  const auto controllers =
      root_table ? find_table(*root_table, kInterruptControllers) : std::nullopt;
  if (controllers) return list_cpus(*controllers);
  print("the firmware left no ACPI table of the CPUs: one is used\n");
  return {};
}

}  // namespace kmapper::kernel
