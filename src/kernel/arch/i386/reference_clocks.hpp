// The chips of a PC that count at a known rate. PCs differ in which of them exist and count: many
// new ones stop the clock of the 8254, others do not have it.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/time/rate.hpp"

namespace kmapper::kernel {

struct ReferenceClock {
  std::string_view name;
  std::uint32_t hertz;
  Counter counter;
};

struct MeasuredRate {
  Rate rate;
  std::optional<ReferenceClock> by;  // none: the rate comes from CPUID
};
/// The rate of the time-stamp counter, by the first chip that counts as it should; if none does, by
/// CPUID. Prints the chips that should count and do not. Panics if no source gives the rate. At
/// boot.
[[nodiscard]] MeasuredRate measure_tsc();

}  // namespace kmapper::kernel
