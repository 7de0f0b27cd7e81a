#include "process/fill/choice.hpp"

#include <array>
#include <cstdint>
#include <cstdio>

namespace kmapper::process {
namespace {

const char* name_of(Placement placement) {
  constexpr std::array<const char*, 4> kNames{"automatic", "slots", "home", "copies"};
  return kNames.at(static_cast<std::size_t>(placement));
}

/// As in "3.2 us".
std::string in_us(std::int64_t nanoseconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f us", static_cast<double>(nanoseconds) / 1000);
  return text.data();
}

/// As in "64 KiB".
std::string in_bytes(std::size_t bytes) {
  constexpr std::size_t kKi = 1024;
  return bytes % (kKi * kKi) == 0 ? std::to_string(bytes / (kKi * kKi)) + " MiB"
                                  : std::to_string(bytes / kKi) + " KiB";
}

/// Whether a placement is so much cheaper that it is worth what the other one has in its favour.
bool is_clearly_below(std::int64_t cost, std::int64_t other) { return cost * 5 < other * 4; }

}  // namespace

Choice choose(const Costs& costs, Candidates candidates, std::size_t granule) {
  struct Option {
    Placement placement;
    const char* how;
    bool is_possible;
    std::int64_t cost;
  };
  const std::array<Option, 3> options{{
      {Placement::home, " at home", candidates.home && costs.home.has_value(),
       costs.home ? costs.home->mean() : 0},
      {Placement::slots, " in slots", true, costs.slots.mean()},
      {Placement::copies, " to read", candidates.copies, costs.copies.mean()},
  }};
  const Option* chosen = nullptr;
  const Option* cheapest = nullptr;
  std::string figures;
  for (const Option& it : options) {
    if (!it.is_possible) continue;
    if (chosen == nullptr || is_clearly_below(it.cost, chosen->cost)) chosen = &it;
    if (cheapest == nullptr || it.cost < cheapest->cost) cheapest = &it;
    figures += (figures.empty() ? " takes " : ", ") + in_us(it.cost) + it.how;
  }
  std::string why = why_chosen(chosen->placement, "a granule of ") + in_bytes(granule) + figures;
  if (chosen != cheapest)
    why += std::string("; ") + name_of(cheapest->placement) + " would save less than a fifth";
  return {chosen->placement, std::move(why)};
}

std::string why_chosen(Placement placement, const char* reason) {
  return std::string(name_of(placement)) + ": " + reason;
}

}  // namespace kmapper::process
