// The list of contenders.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

// The names that aims refer to.
inline constexpr const char* kAutomatic = "automatic";
inline constexpr const char* kSlots = "slots";
inline constexpr const char* kHome = "home";
inline constexpr const char* kCopies = "copies";
inline constexpr const char* kReads = "pread";
inline constexpr const char* kLongReads = "pread of 1 MiB";
inline constexpr const char* kCache = "LRU cache";
inline constexpr const char* kPool = "vmcache-like";

enum class Kind : std::uint8_t {
  ours,      // a window
  rival,     // keeps within the budget
  boundless  // does not
};

struct Entrant {
  std::string name;
  Kind kind;
  bool keeps;  // it keeps something for the next access, so it has to be warmed up
  std::function<std::unique_ptr<Contender>()> make;
};

struct Entrants {
  std::vector<Entrant> all;
  std::vector<std::string> absent;  // windows that cannot be here, each with the reason
};

/// All contenders that are possible in this process, for this load and file; the window with its
/// own choice of placement comes first.
[[nodiscard]] Entrants entrants(const Setting& setting);
/// Only those that keep something.
[[nodiscard]] Entrants entrants_that_keep(const Setting& setting);

}  // namespace kmapper::bench
