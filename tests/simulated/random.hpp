// The only source of random numbers in the tests: a small generator that gives the same numbers
// from the same seed on every machine and with every standard library, so that a printed seed
// repeats a failure anywhere.
#pragma once

#include <cstdint>

namespace kmapper::simulated {

/// SplitMix64. One thread at a time.
class Random {
 public:
  constexpr explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] constexpr std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }

  /// A number from 0 to `bound` - 1; `bound` is at least 1.
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

  /// A number from `low` to `high`, both included.
  [[nodiscard]] constexpr std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }

  /// True once in `n` times; never when n is 0.
  [[nodiscard]] constexpr bool one_in(std::uint32_t n) { return n != 0 && below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace kmapper::simulated
