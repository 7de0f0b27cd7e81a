// The units in which a copy is read and written: pages, or a 32nd of a granule where that is more.
// So one bit for each unit of a granule always fits in 32 bits.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "system/page_size.hpp"

namespace kmapper::process {

class Units {
 public:
  /// A bit for each of a granule's units, the first in bit 0.
  using Set = std::uint32_t;

  explicit Units(unsigned granule_shift)
      : shift_(std::max(static_cast<unsigned>(std::countr_zero(system::page_size())),
                        granule_shift - std::min(granule_shift, kMostBits))),
        all_(~Set{0} >> (kMost - (1U << (granule_shift - shift_)))) {}

  /// The units that a range within a granule lies in; its length must not be 0.
  [[nodiscard]] Set of(std::size_t within, std::size_t length) const {
    return (~Set{0} << (within >> shift_)) &
           (~Set{0} >> (kMost - 1 - ((within + length - 1) >> shift_)));
  }
  [[nodiscard]] Set all() const { return all_; }
  [[nodiscard]] std::size_t size() const { return std::size_t{1} << shift_; }

  /// How many runs a set may have at most.
  [[nodiscard]] std::size_t most_runs() const {
    return (static_cast<std::size_t>(std::popcount(all_)) + 1) / 2;
  }

  /// Neighbouring units of a granule.
  struct Run {
    unsigned first;
    unsigned count;
    [[nodiscard]] Set set() const { return (~Set{0} >> (kMost - count)) << first; }
  };
  /// The first run of a set that is not empty.
  [[nodiscard]] static Run first_run(Set set) {
    const auto first = static_cast<unsigned>(std::countr_zero(set));
    return {first, static_cast<unsigned>(std::countr_one(set >> first))};
  }
  /// How many units of the set lie directly before unit `at`, which is not the first.
  [[nodiscard]] static unsigned run_before(Set set, unsigned at) {
    return static_cast<unsigned>(std::countl_one(set << (kMost - at)));
  }
  /// The run of a set that has the unit at `within`.
  [[nodiscard]] Run run_around(Set set, std::size_t within) const {
    const auto at = static_cast<unsigned>(within >> shift_);
    const auto before = static_cast<unsigned>(std::countl_one(set << (kMost - 1 - at))) - 1;
    const Set from = set >> (at - before);
    return {at - before, static_cast<unsigned>(std::countr_one(from))};
  }

 private:
  static constexpr unsigned kMostBits = 5;
  static constexpr unsigned kMost = 1U << kMostBits;

  unsigned shift_;
  Set all_;
};

}  // namespace kmapper::process
