// Random numbers that a seed repeats: for tests and benches, not for secrets. PCG32 (O'Neill,
// 2014): a 64-bit linear congruential step whose upper bits are permuted.
#pragma once

#include <bit>
#include <cstdint>

namespace kmapper::kernel {

class Prng {
 public:
  constexpr explicit Prng(std::uint64_t seed) : state_(seed + kIncrement) { (void)next(); }

  /// 32 random bits.
  [[nodiscard]] constexpr std::uint32_t next() {
    const std::uint64_t old = state_;
    state_ = old * 6364136223846793005U + kIncrement;
    const auto mixed = static_cast<std::uint32_t>((old >> 18 ^ old) >> 27);
    return std::rotr(mixed, static_cast<int>(old >> 59));
  }

  /// A random number below `bound`, which must not be 0; uniform to within bound / 2^32.
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(std::uint64_t{next()} * bound >> 32);
  }

 private:
  static constexpr std::uint64_t kIncrement = 1442695040888963407U;
  std::uint64_t state_;
};

}  // namespace kmapper::kernel
