// The list of contenders.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

// The names that aims refer to.
inline constexpr const char* kWindow = "window";
inline constexpr const char* kWindowInSlots = "window, slots";
inline constexpr const char* kWindowOfCopies = "window, copies";
inline constexpr const char* kMapAnew = "mmap and munmap";
inline constexpr const char* kReads = "pread";
inline constexpr const char* kCache = "LRU cache";
inline constexpr const char* kWhole = "one mmap";

struct Entrant {
  std::string name;
  bool keeps;  // it keeps something for the next access, so it has to be warmed up
  std::function<std::unique_ptr<Contender>()> make;
};

/// All contenders that are possible in this process, for this load and file; the window with its
/// own choice of placement comes first.
[[nodiscard]] std::vector<Entrant> entrants(const Setting& setting, bool in_memory);

}  // namespace kmapper::bench
