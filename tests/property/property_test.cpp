// More than a million random operations on the deterministic machine, in games that seeds choose.
// The checks during a game are in player.hpp, invariants.hpp and simulated/machine.hpp.
//
// A failed game prints all that is needed to play it again.
#include <gtest/gtest.h>

#include <cstdint>

#include "game.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kOperations = 20'000;  // of a game
constexpr std::uint32_t kGames = 12;           // for each window size

class WindowOf : public testing::TestWithParam<std::uint32_t> {};

TEST_P(WindowOf, HoldsAllInvariants) {
  std::uint64_t played = 0;
  for (std::uint32_t i = 0; i < kGames; ++i) {
    const Game game = choose_game(GetParam() * 1'000 + i, GetParam(), kOperations);
    const Result result = play(game);
    ASSERT_EQ(result.failure, "") << game;
    played += result.played;
  }
  EXPECT_GT(played, kGames * kOperations * 9 / 10);
}

INSTANTIATE_TEST_SUITE_P(Slots, WindowOf,
                         testing::Values(1, 2, 3, 5, 8, 16, 31, 33, 64, 100, 256, 512),
                         testing::PrintToStringParamName());

TEST(Game, TheSameSeedPlaysTheSameGame) {
  const Game game = choose_game(7, 8, 5'000);
  const Result first = play(game);
  const Result again = play(game);
  EXPECT_EQ(first.failure, "");
  EXPECT_EQ(first.steps, again.steps);
  EXPECT_EQ(first.fingerprint, again.fingerprint);
}

}  // namespace
}  // namespace kmapper::simulated
