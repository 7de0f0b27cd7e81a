// The timers of known rate that the firmware's ACPI tables name.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/firmware/acpi.hpp"

namespace kmapper::kernel {

/// The ACPI timer (ACPI specification 6.4, 4.8.3.3): a port of 32 bits.
struct AcpiTimer {
  static constexpr std::uint32_t kHertz = 3'579'545;
  std::uint16_t port;
  std::uint32_t mask;  // 24 bits or 32
};
[[nodiscard]] std::optional<AcpiTimer> find_acpi_timer(acpi::Reader reader, acpi::Tables& tables);

/// The registers of the HPET (IA-PC HPET specification 1.0a, 3.2.4), if they lie in memory.
[[nodiscard]] std::optional<PhysAddr> find_hpet(acpi::Reader reader, acpi::Tables& tables);

}  // namespace kmapper::kernel
