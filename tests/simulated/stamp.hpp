// The thread that took a slot, and the time, in one machine word.
#pragma once

#include <cstdint>

namespace kmapper::simulated {

struct alignas(4) Stamp {    // aligned, so that an atomic of it is one access
  std::uint16_t thread = 0;  // counted from 1; 0: none
  std::uint16_t tick = 0;    // of the machine's clock, truncated: enough for "longer than"

  friend constexpr bool operator==(Stamp, Stamp) = default;
};

}  // namespace kmapper::simulated
