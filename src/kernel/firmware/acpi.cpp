#include "kernel/firmware/acpi.hpp"

#include <algorithm>

namespace kmapper::kernel::acpi {
namespace {

struct [[gnu::packed]] RootPointer {
  std::array<char, 8> signature;
  std::uint8_t checksum;
  char oem[6];
  std::uint8_t revision;
  std::uint32_t rsdt;
  // From revision 2 on:
  std::uint32_t length;
  std::uint64_t xsdt;
  std::uint8_t extended_checksum, reserved[3];
};
constexpr std::uint32_t kFirstSize = 20;  // of the root pointer, in revision 0
static_assert(offsetof(RootPointer, length) == kFirstSize && sizeof(RootPointer) == 36);

constexpr Signature kRsdt{'R', 'S', 'D', 'T'};
constexpr Signature kXsdt{'X', 'S', 'D', 'T'};
constexpr Signature kRootPointer{'R', 'S', 'D', 'P'};  // the root pointer's name in reports
constexpr std::uint32_t kMostBytes = 1U << 20;  // the largest length of a table that is trusted

// The bytes of a valid table add up to 0.
bool is_whole(Reader reader, PhysAddr address, std::uint32_t size) {
  std::array<unsigned char, 256> piece;
  std::uint32_t sum = 0;
  while (size != 0) {
    const std::uint32_t now = std::min<std::uint32_t>(size, piece.size());
    reader(address, {piece.data(), now});
    for (std::uint32_t i = 0; i < now; ++i) sum += piece[i];
    address = address + now;
    size -= now;
  }
  return sum % 256 == 0;
}

}  // namespace

void Broken::add(Signature signature, PhysAddr address) {
  const bool known = std::any_of(all_.begin(), all_.begin() + size_,
                                 [address](const One& one) { return one.address == address; });
  if (!known && size_ < kMost) all_[size_++] = {signature, address};
}

void Found::add(Table table) {
  const bool known = std::any_of(all_.begin(), all_.begin() + size_,
                                 [table](const Table& one) { return one.begin == table.begin; });
  if (!known && size_ < kMost) all_[size_++] = table;
}

Tables::Tables(Reader reader) : reader_(reader) {
  constexpr std::uint32_t kExtendedBiosSegment = 0x40E;
  const std::uint32_t extended = std::uint32_t{read<std::uint16_t>(reader_, kExtendedBiosSegment)}
                                 << 4;
  if (extended != 0 && take_root_pointer(extended, extended + 1024)) return;
  (void)take_root_pointer(0xE0000, 0x100000);
}

// The root pointer lies on a multiple of 16 bytes.
bool Tables::take_root_pointer(std::uint32_t begin, std::uint32_t end) {
  constexpr std::string_view kSignature = "RSD PTR ";
  for (std::uint32_t at = begin; at < end; at += 16) {
    const auto signature = read<std::array<char, 8>>(reader_, at);
    if (!std::equal(kSignature.begin(), kSignature.end(), signature.begin())) continue;
    if (is_whole(reader_, PhysAddr{at}, kFirstSize)) {
      take_root_tables(PhysAddr{at});
      return true;
    }
    broken_.add(kRootPointer, PhysAddr{at});
  }
  return false;
}

void Tables::take_root_tables(PhysAddr pointer) {
  const auto root = read<RootPointer>(reader_, to_number(pointer));
  if (root.revision >= 2 && root.xsdt != 0) {
    if (root.length == sizeof root && is_whole(reader_, pointer, sizeof root)) {
      xsdt_ = check(PhysAddr{root.xsdt}, kXsdt);
    } else {
      broken_.add(kRootPointer, pointer);
    }
  }
  if (root.rsdt != 0) rsdt_ = check(PhysAddr{root.rsdt}, kRsdt);
}

// Nothing if another table lies there, or a broken one.
std::optional<Table> Tables::check(PhysAddr address, Signature signature) {
  const auto header = read<Header>(reader_, to_number(address));
  if (header.signature != signature) return std::nullopt;
  if (header.length >= sizeof header && header.length <= kMostBytes &&
      is_whole(reader_, address, header.length)) {
    return Table{address, header.length};
  }
  broken_.add(signature, address);
  return std::nullopt;
}

Found Tables::find_in(const std::optional<Table>& root, std::uint32_t entry_size,
                      Signature signature) {
  Found found;
  if (!root) return found;
  for (std::uint32_t at = sizeof(Header); at + entry_size <= root->size; at += entry_size) {
    std::uint64_t address = read<std::uint32_t>(reader_, to_number(root->begin) + at);
    if (entry_size == sizeof address)
      address = read<std::uint64_t>(reader_, to_number(root->begin) + at);
    if (address == 0) continue;
    const std::optional<Table> table = check(PhysAddr{address}, signature);
    if (table) found.add(*table);
  }
  return found;
}

Found Tables::find(Signature signature) {
  Found found = find_in(xsdt_, sizeof(std::uint64_t), signature);
  if (found.size() == 0) found = find_in(rsdt_, sizeof(std::uint32_t), signature);
  return found;
}

}  // namespace kmapper::kernel::acpi
