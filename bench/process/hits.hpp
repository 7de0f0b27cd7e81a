// What a hit costs: a mapping of a granule that is mapped already, beside the two atomic operations
// that it cannot do without.
#pragma once

#include <string>
#include <vector>

#include "bench/process/figures.hpp"

namespace kmapper::bench {

struct Hit {
  std::string name;
  std::vector<double> ns;  // of each round
};

// The places of those that aims speak of.
inline constexpr std::size_t kAtomicPair = 0;
inline constexpr std::size_t kOneHit = 1;
inline constexpr std::size_t kCursorHit = 4;

[[nodiscard]] std::vector<Hit> hits(unsigned rounds);

}  // namespace kmapper::bench
