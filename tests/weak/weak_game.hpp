// One short play of threads that map pages on a machine with weak memory, all chosen by a seed.
// Games are short and many: what a missing order does often shows only while nobody comes by later
// and puts it right.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "simulated/weak_memory.hpp"

namespace kmapper::simulated {

/// Plays it; `prepare` may weaken the memory first. What went wrong; empty: all held.
[[nodiscard]] std::string play_weak_game(std::uint64_t seed,
                                         const std::function<void(WeakMemory&)>& prepare = nullptr);

}  // namespace kmapper::simulated
