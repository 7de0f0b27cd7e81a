// The chips of a PC that count at a known rate. Which of them there are, and count, differs from
// one PC to the next: many of today stop the clock of the 8254, others have never had one.
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
  std::optional<ReferenceClock> by;  // none: CPUID says the rate
};
/// How fast the time-stamp counter is by the first of them that counts as it should; if none does,
/// by what CPUID says. Names those that should count and do not. Panics if nothing tells. At boot.
[[nodiscard]] MeasuredRate measure_tsc();

}  // namespace kmapper::kernel
