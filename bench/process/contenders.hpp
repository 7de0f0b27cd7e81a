// Who contends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

// The names of those that aims speak of.
inline constexpr const char* kWindow = "window";
inline constexpr const char* kWindowInSlots = "window, slots";
inline constexpr const char* kWindowOfCopies = "window, copies";
inline constexpr const char* kMapAnew = "mmap and munmap";
inline constexpr const char* kReads = "pread";
inline constexpr const char* kCache = "LRU cache";
inline constexpr const char* kWhole = "one mmap";

struct Entrant {
  std::string name;
  bool keeps;  // something for the next access, and so has to be warmed up
  std::function<std::unique_ptr<Contender>()> make;
};

/// All that this process, and this load of that file, allow; the window as it chooses by itself
/// first.
[[nodiscard]] std::vector<Entrant> entrants(const Setting& setting, bool in_memory);

}  // namespace kmapper::bench
