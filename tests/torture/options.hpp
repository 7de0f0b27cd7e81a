// What the command line of the torture says.
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
  std::chrono::seconds patience{30};  // with threads that do not end after their round
};

/// The options, with a seed of chance unless one is given; or, after one line on the standard error
/// that says what is wrong, nothing.
[[nodiscard]] std::optional<Options> read_options(std::span<const char* const> words);

}  // namespace kmapper::simulated
