// The property test notices errors: each fault that the machine can be told to commit is found
// within a few games.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "game.hpp"

namespace kmapper::simulated {
namespace {

constexpr std::uint32_t kOperations = 5'000;
constexpr std::uint32_t kGames = 10;

/// The report of the first failed game; empty if none fails.
std::string first_failure(std::uint32_t slots, const std::function<void(Sabotages&)>& sabotage) {
  for (std::uint64_t seed = 1; seed <= kGames; ++seed) {
    std::string failure = play(choose_game(seed, slots, kOperations), sabotage).failure;
    if (!failure.empty()) return failure;
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Sabotage, WithoutItAllGamesHold) { EXPECT_EQ(first_failure(4, nullptr), ""); }

TEST(Sabotage, ADroppedFlushIsFound) {
  const std::string failure =
      first_failure(4, [](Sabotages& machine) { machine.flush_dropped.strike_every(100); });
  EXPECT_TRUE(contains(failure, "TLB")) << failure;
}

TEST(Sabotage, ALostWakeUpIsFound) {
  const std::string failure =
      first_failure(2, [](Sabotages& machine) { machine.wake_dropped.strike_every(20); });
  EXPECT_TRUE(contains(failure, "asleep in kmap")) << failure;
}

TEST(Sabotage, AWrongPteIsFound) {
  const std::string failure =
      first_failure(4, [](Sabotages& machine) { machine.pte_wrong.strike_every(100); });
  EXPECT_TRUE(contains(failure, "another page")) << failure;
}

TEST(Sabotage, AFlushSkippedByAWrongAccessedBitIsFound) {
  const std::string failure =
      first_failure(4, [](Sabotages& machine) { machine.accessed_hidden.strike_every(100); });
  EXPECT_TRUE(contains(failure, "TLB")) << failure;
}

}  // namespace
}  // namespace kmapper::simulated
