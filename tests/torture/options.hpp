// The command line of the torture.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "simulated/sabotage.hpp"

namespace kmapper::simulated {

struct Options {
  std::uint64_t seconds = 2;
  std::uint64_t seed = 0;
  void (*sabotage)(Sabotages&) = [](Sabotages&) {};
  std::chrono::seconds patience{30};  // for threads that do not end after their round
};

/// Reads the options; without --seed, the seed is random. Nothing, after one line on the standard
/// error, if an option is wrong.
[[nodiscard]] std::optional<Options> read_options(std::span<const char* const> words);

}  // namespace kmapper::simulated
