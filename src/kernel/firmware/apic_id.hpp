#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// The name of a local APIC, in xAPIC mode (SDM 3A 10.4.6).
enum class ApicId : std::uint8_t {};
[[nodiscard]] constexpr std::uint32_t to_number(ApicId id) {
  return static_cast<std::uint32_t>(id);
}

/// As the destination of an interrupt, this id means all CPUs (SDM 3A 10.6.2.1), so it cannot
/// address one CPU.
inline constexpr ApicId kAllApics{255};

}  // namespace kmapper::kernel
