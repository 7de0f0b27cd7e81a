// By how much the time-stamp counter of one CPU is behind another's. One asks, the other answers
// with its counter, and the asker takes its own before and after: the answer belongs somewhere
// between. The round that took least leaves least open.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

class TscOffset {
 public:
  /// A round: the asker's counter when it asked, the other's, the asker's with the answer there.
  constexpr void add(std::uint64_t asked, std::uint64_t other, std::uint64_t answered) {
    const std::uint64_t took = answered - asked;
    if (took >= least_) return;
    least_ = took;
    offset_ = asked + took / 2 - other;
  }
  /// What must be added to the other's counter, modulo 2^64; 0 if the two may well be alike.
  [[nodiscard]] constexpr std::uint64_t value() const {
    const bool may_be_alike = offset_ + least_ / 2 <= least_;  // within half of it, either way
    return may_be_alike ? 0 : offset_;
  }

 private:
  std::uint64_t least_ = UINT64_MAX;
  std::uint64_t offset_ = 0;
};

/// Counts of a time-stamp counter since `start`; none where that is still to come, as it may be for
/// a CPU whose offset is not known better than the rounds took.
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
