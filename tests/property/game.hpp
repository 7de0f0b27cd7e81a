// One play of the property test: a machine, a mapper and threads, all chosen by a seed, played to
// the end.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

#include "simulated/machine.hpp"
#include "simulated/scheduler.hpp"

namespace kmapper::simulated {

struct Game {
  std::uint64_t seed = 1;
  MachineShape shape{};
  Chances chances{};
  std::uint32_t mappers = 1;         // threads that map
  std::uint32_t receivers = 1;       // threads that take mappings over
  std::uint32_t operations = 1'000;  // of each mapper
  bool interrupts = true;
};

/// A game of about `operations` in all, whose window has `slots`; the seed chooses the rest.
[[nodiscard]] Game choose_game(std::uint64_t seed, std::uint32_t slots, std::uint32_t operations);

struct Result {
  std::uint64_t played = 0;       // operations
  std::uint64_t steps = 0;        // scheduling points
  std::uint64_t fingerprint = 0;  // of the order in which things happened
  std::string failure;            // empty: all held
};

/// Plays it. `sabotage` may put faults into the machine first.
[[nodiscard]] Result play(const Game& game,
                          const std::function<void(Sabotages&)>& sabotage = nullptr);

/// What one needs to play it again.
std::ostream& operator<<(std::ostream& out, const Game& game);

}  // namespace kmapper::simulated
