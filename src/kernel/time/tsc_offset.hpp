// The difference between the time-stamp counters of two CPUs. One asks, the other answers with its
// counter, and the asker reads its own counter before and after: the answer lies between. The
// fastest round gives the smallest uncertainty.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

class TscOffset {
 public:
  /// A round: the asker's counter at the question, the other CPU's counter, the asker's at the
  /// answer.
  constexpr void add(std::uint64_t asked, std::uint64_t other, std::uint64_t answered) {
    const std::uint64_t took = answered - asked;
    if (took >= least_) return;
    least_ = took;
    offset_ = asked + took / 2 - other;
  }
  /// What must be added to the other counter, modulo 2^64; 0 if the two may be equal.
  [[nodiscard]] constexpr std::uint64_t value() const {
    const bool may_be_alike = offset_ + least_ / 2 <= least_;  // within half a round, either way
    return may_be_alike ? 0 : offset_;
  }

 private:
  std::uint64_t least_ = UINT64_MAX;
  std::uint64_t offset_ = 0;
};

/// Counts of a time-stamp counter since `start`; 0 if `start` lies in the future, as it may for a
/// CPU whose offset is known only to within a round.
[[nodiscard]] constexpr std::uint64_t counts_since(std::uint64_t start, std::uint64_t now) {
  const std::uint64_t counts = now - start;
  return counts >> 63 == 0 ? counts : 0;
}

/// Nanoseconds are counts times scale / 2^24.
inline constexpr std::uint32_t kScaleShift = 24;
[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t counts, std::uint32_t scale) {
  const std::uint64_t high = (counts >> 32) * scale;
  const std::uint64_t low = (counts & UINT32_MAX) * scale;
  return (high << (32 - kScaleShift)) + (low >> kScaleShift);
}

}  // namespace kmapper::kernel
