// Tests that do something many times, and less often in a slow build.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

namespace kmapper {

/// With a sanitizer and under an emulator, tests that switch threads take up to a hundred times as
/// long. A sanitizer finds in a few repetitions what it can find.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(KMAPPER_EMULATED)
constexpr bool kIsSlow = true;
#else
constexpr bool kIsSlow = false;
#endif

/// In a slow build a fiftieth of the times, but 10 at least.
constexpr std::uint32_t fewer(std::uint32_t times) {
  return kIsSlow ? std::min(times, std::max(times / 50, 10U)) : times;
}

/// Runs the body for many seeds, until one fails, which is then printed. In a slow build there are
/// fewer.
inline void for_each_seed(std::uint32_t seeds, const std::function<void(std::uint64_t)>& body) {
  for (std::uint64_t seed = 1; seed <= fewer(seeds) && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    body(seed);
  }
}

}  // namespace kmapper
