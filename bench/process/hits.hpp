// The cost of a hit: a mapping of a granule that is mapped already, compared with the two atomic
// operations that it needs at least.
#pragma once

#include <vector>

#include "bench/process/figures.hpp"

namespace kmapper::bench {

// The indices that aims refer to.
inline constexpr std::size_t kAtomicPair = 0;
inline constexpr std::size_t kOneHit = 1;
inline constexpr std::size_t kCursorHit = 2;
inline constexpr std::size_t kCopyHit = 3;

[[nodiscard]] std::vector<Series> hits(unsigned rounds);

}  // namespace kmapper::bench
