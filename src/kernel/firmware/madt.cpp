#include "kernel/firmware/madt.hpp"

#include <algorithm>

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kFirstEntry = sizeof(acpi::Header) + 8;
constexpr std::uint32_t kEnabled = 1;

struct EntryHeader {
  std::uint8_t type, length;
};
// 5.2.12.2, "Processor Local APIC Structure"
struct LocalApic {
  static constexpr std::uint8_t kType = 0;
  std::uint8_t type, length, processor, id;
  std::uint32_t flags;
};
// 5.2.12.12, "Processor Local x2APIC Structure": meant for ids above 254, and used for others too
struct LocalX2Apic {
  static constexpr std::uint8_t kType = 9;
  std::uint8_t type, length;
  std::uint16_t reserved;
  std::uint32_t id, flags, processor;
};

}  // namespace

void CpuList::add(std::uint32_t id, std::uint32_t flags) {
  if ((flags & kEnabled) == 0) return;  // a place for a CPU that may be plugged in
  if (id == to_number(kAllApics)) {
    ++unnamed_;
  } else if (id > to_number(kAllApics)) {
    ++unreachable_;
  } else if (ApicId{static_cast<std::uint8_t>(id)} == self_) {
    if (self_is_listed_) ++repeated_;
    self_is_listed_ = true;
  } else {
    const ApicId other{static_cast<std::uint8_t>(id)};
    if (std::find(ids_.begin(), ids_.begin() + size_, other) != ids_.begin() + size_) {
      ++repeated_;
    } else {
      ids_[size_++] = other;  // there are as many places as ids
    }
  }
}

void CpuList::add_all(acpi::Reader reader, acpi::Table madt) {
  const std::uint64_t begin = to_number(madt.begin);
  for (std::uint32_t at = kFirstEntry; at + sizeof(EntryHeader) <= madt.size;) {
    const auto header = acpi::read<EntryHeader>(reader, begin + at);
    if (header.length < sizeof header || header.length > madt.size - at) {
      ++cut_;
      return;
    }
    if (header.type == LocalApic::kType && header.length >= sizeof(LocalApic)) {
      const auto cpu = acpi::read<LocalApic>(reader, begin + at);
      add(cpu.id, cpu.flags);
    } else if (header.type == LocalX2Apic::kType && header.length >= sizeof(LocalX2Apic)) {
      const auto cpu = acpi::read<LocalX2Apic>(reader, begin + at);
      add(cpu.id, cpu.flags);
    }
    at += header.length;
  }
}

}  // namespace kmapper::kernel
