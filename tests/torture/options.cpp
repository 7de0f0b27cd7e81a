#include "options.hpp"

#include <charconv>
#include <iostream>
#include <random>
#include <string>
#include <string_view>

namespace kmapper::simulated {
namespace {

struct NamedSabotage {
  std::string_view name;
  void (*put_in)(Sabotages&);
};

// Frequent enough that a second of torture finds each, rare enough that the rest continues.
constexpr NamedSabotage kSabotages[] = {
    {"flush", [](Sabotages& machine) { machine.flush_dropped.strike_every(1'000); }},
    {"drop", [](Sabotages& machine) { machine.drop_dropped.strike_every(1'000); }},
    {"wake", [](Sabotages& machine) { machine.wake_dropped.strike_every(100); }},
    {"pte", [](Sabotages& machine) { machine.pte_wrong.strike_every(1'000); }},
    {"accessed", [](Sabotages& machine) { machine.accessed_hidden.strike_every(1'000); }},
};

std::nullopt_t misused(const std::string& what) {
  std::cerr << "kmapper_torture: " << what << "\n";
  return std::nullopt;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Options> read_options(std::span<const char* const> words) {
  constexpr std::uint64_t kMostSeconds = 86'400;
  Options options;
  std::random_device chance;
  options.seed = chance();
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string option = words[i];
    if (option != "--seconds" && option != "--seed" && option != "--sabotage")
      return misused("no option " + option +
                     "; there are: --seconds N, --seed N, --sabotage FAULT");
    if (i + 1 == words.size()) return misused(option + " needs a value");
    const std::string value = words[i + 1];
    const std::optional<std::uint64_t> count = number(value);
    if (option == "--seconds") {
      if (!count || *count < 1 || *count > kMostSeconds)
        return misused("--seconds " + value + ": not a number from 1 to 86400");
      options.seconds = *count;
    } else if (option == "--seed") {
      if (!count) return misused("--seed " + value + ": not a number from 0 to 2^64 - 1");
      options.seed = *count;
    } else {
      const NamedSabotage* found = nullptr;
      std::string complaint = "--sabotage " + value + ": no fault; there are:";
      for (const NamedSabotage& it : kSabotages) {
        if (it.name == value) found = &it;
        complaint.append(" ").append(it.name);
      }
      if (found == nullptr) return misused(complaint);
      options.sabotage = found->put_in;
      options.patience = std::chrono::seconds(2);
    }
  }
  return options;
}

}  // namespace kmapper::simulated
