// The mode in which the firmware has left a local APIC, by the register IA32_APIC_BASE (SDM 3A
// 10.4.4, 10.12.1).
#pragma once

#include <cstdint>

namespace kmapper::kernel {

enum class ApicMode : std::uint8_t { disabled, xapic, x2apic, invalid };

inline constexpr std::uint64_t kApicEnabled = 1U << 11;
inline constexpr std::uint64_t kX2Apic = 1U << 10;

[[nodiscard]] constexpr ApicMode apic_mode(std::uint64_t base) {
  if ((base & kApicEnabled) == 0) {
    return (base & kX2Apic) == 0 ? ApicMode::disabled : ApicMode::invalid;
  }
  return (base & kX2Apic) == 0 ? ApicMode::xapic : ApicMode::x2apic;
}

/// The MSR of x2APIC mode for the register at `offset` in xAPIC mode (SDM 3A 10.12.1.2). The two
/// halves of the interrupt command are one MSR.
[[nodiscard]] constexpr std::uint32_t x2apic_msr(std::uint32_t offset) {
  return 0x800 + (offset >> 4);
}

}  // namespace kmapper::kernel
