// One short game of threads that map pages on a machine with weak memory, all chosen by a seed.
// Games are short and many: a missing order shows only while no later operation makes up for it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "simulated/weak_memory.hpp"

namespace kmapper::simulated {

/// Whether flushes are posted in the game of that seed, instead of made on all CPUs at once.
[[nodiscard]] constexpr bool posts_flushes(std::uint64_t seed) { return seed % 2 != 0; }

/// Whether slots are found, as in a process, in the game of that seed.
[[nodiscard]] constexpr bool finds_slots(std::uint64_t seed) { return seed % 4 == 2; }

/// Plays the game; `prepare` may weaken the memory first. Returns the fault; empty if there is
/// none.
[[nodiscard]] std::string play_weak_game(std::uint64_t seed,
                                         const std::function<void(WeakMemory&)>& prepare = nullptr);

}  // namespace kmapper::simulated
