// The core is correct on weak memory, in many short games that seeds choose.
#include <gtest/gtest.h>

#include <cstdint>

#include "weak_game.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint64_t kGames = 20'000;

TEST(WeakGame, TheCoreHolds) {
  for (std::uint64_t seed = 1; seed <= kGames; ++seed)
    ASSERT_EQ(play_weak_game(seed), "") << "seed " << seed;
}

}  // namespace
}  // namespace kmapper::simulated
