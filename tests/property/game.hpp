// One game of the property test: a seed chooses a machine, a mapper and threads, and the game is
// played to its end.
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
  bool posts = false;  // flushes, instead of waiting for other CPUs
  bool finds = false;  // slots, as in a process, in place of that; then there are no interrupts
};

/// A game of about `operations` in all, with a window of `slots`; the seed chooses the rest.
[[nodiscard]] Game choose_game(std::uint64_t seed, std::uint32_t slots, std::uint32_t operations);

struct Result {
  std::uint64_t played = 0;       // operations
  std::uint64_t steps = 0;        // scheduling points
  std::uint64_t fingerprint = 0;  // of the order of events
  std::string failure;            // empty: the game passed
};

/// Plays the game. `sabotage` may put faults into the machine first.
[[nodiscard]] Result play(const Game& game,
                          const std::function<void(Sabotages&)>& sabotage = nullptr);

/// All that is needed to play the game again.
std::ostream& operator<<(std::ostream& out, const Game& game);

}  // namespace kmapper::simulated
