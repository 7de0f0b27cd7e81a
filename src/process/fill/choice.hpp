// The placement that Placement::automatic chooses for a file, and why.
#pragma once

#include <cstddef>
#include <string>

#include "kmapper/process/process.hpp"
#include "process/fill/costs.hpp"

namespace kmapper::process {

/// The placements that the file may have. Slots are always possible.
struct Candidates {
  bool home;
  bool copies;
};

struct Choice {
  Placement placement;
  std::string why;  // one line, which begins with the placement's name
};

/// The cheapest of the candidates. Where the difference is small, home comes before slots, and both
/// before copies, because copies do not change with the file: a later one must cost a fifth less
/// than an earlier one.
[[nodiscard]] Choice choose(const Costs& costs, Candidates candidates, std::size_t granule);

/// The line for a placement that was not chosen by its cost.
[[nodiscard]] std::string why_chosen(Placement placement, const char* reason);

}  // namespace kmapper::process
