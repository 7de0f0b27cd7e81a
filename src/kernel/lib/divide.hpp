// Division of 64-bit numbers without the compiler's runtime library: a 32-bit CPU has no
// instruction for it that compilers use, and the kernel does not link libgcc. Shift and subtract;
// for slow paths only.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

struct Quotient {
  std::uint64_t quotient;
  std::uint64_t remainder;
};

/// `dividend` by `divisor`, which must not be 0. Any context; some 64 turns of a short loop.
[[nodiscard]] constexpr Quotient divide(std::uint64_t dividend, std::uint64_t divisor) {
  std::uint64_t quotient = 0;
  std::uint64_t remainder = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const bool overflows = (remainder >> 63) != 0;  // the bit that the shift pushes out counts too
    remainder = remainder << 1 | (dividend >> bit & 1);
    quotient <<= 1;
    if (overflows || remainder >= divisor) {
      remainder -= divisor;
      quotient |= 1;
    }
  }
  return {quotient, remainder};
}

/// `dividend / divisor`, rounded down; 0 if the divisor is 0, as for the rate of something that
/// took no time.
[[nodiscard]] constexpr std::uint64_t ratio(std::uint64_t dividend, std::uint64_t divisor) {
  return divisor == 0 ? 0 : divide(dividend, divisor).quotient;
}

}  // namespace kmapper::kernel
