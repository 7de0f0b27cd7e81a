#include "kernel/firmware/timers.hpp"

namespace kmapper::kernel {
namespace {

// ACPI specification 6.4, 5.2.3.2, "Generic Address Structure"
struct [[gnu::packed]] Address {
  static constexpr std::uint8_t kMemory = 0;
  static constexpr std::uint8_t kPort = 1;
  std::uint8_t space, bits, offset, access;
  std::uint64_t address;
};
static_assert(sizeof(Address) == 12);

// Offsets in the FADT, 5.2.9.
constexpr std::uint32_t kTimerPort = 76;
constexpr std::uint32_t kTimerSize = 91;
constexpr std::uint32_t kFlags = 112;
constexpr std::uint32_t kExtendedTimerPort = 208;
constexpr std::uint32_t kTimerHas32Bits = 1U << 8;

constexpr std::uint32_t kHpetAddress = 40;

// A field of a table, or zeros where the table ends before it.
template <class T>
T field(acpi::Reader reader, acpi::Table table, std::uint32_t offset) {
  if (offset + sizeof(T) > table.size) return {};
  return acpi::read<T>(reader, to_number(table.begin) + offset);
}

}  // namespace

std::optional<AcpiTimer> find_acpi_timer(acpi::Reader reader, acpi::Tables& tables) {
  for (const acpi::Table table : tables.find(acpi::kFixed)) {
    const auto flags = field<std::uint32_t>(reader, table, kFlags);
    const std::uint32_t mask = (flags & kTimerHas32Bits) != 0 ? UINT32_MAX : (1U << 24) - 1;
    const auto port = field<std::uint32_t>(reader, table, kTimerPort);
    const auto size = field<std::uint8_t>(reader, table, kTimerSize);
    if (port != 0 && port <= UINT16_MAX && size == sizeof port)
      return AcpiTimer{static_cast<std::uint16_t>(port), mask};
    const auto extended = field<Address>(reader, table, kExtendedTimerPort);
    if (extended.space == Address::kPort && extended.address != 0 && extended.address <= UINT16_MAX)
      return AcpiTimer{static_cast<std::uint16_t>(extended.address), mask};
  }
  return std::nullopt;
}

std::optional<PhysAddr> find_hpet(acpi::Reader reader, acpi::Tables& tables) {
  for (const acpi::Table table : tables.find(acpi::kHpet)) {
    const auto registers = field<Address>(reader, table, kHpetAddress);
    if (registers.space == Address::kMemory && registers.address != 0)
      return PhysAddr{registers.address};
  }
  return std::nullopt;
}

}  // namespace kmapper::kernel
