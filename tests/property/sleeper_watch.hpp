// "Every sleeper wakes when a slot goes idle", as far as a game of finite length can tell: no
// thread sleeps very long while a slot stays free to take.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "kmapper/core/slot.hpp"

namespace kmapper::simulated {

class SleeperWatch {
 public:
  explicit SleeperWatch(std::uint32_t slots) : free_since_(slots) {}

  /// Gets a slot, the time `now`, and the thread that has slept longest. False: that thread has
  /// been forgotten.
  [[nodiscard]] bool look(std::uint64_t now, SlotIndex slot, bool is_free,
                          std::optional<std::uint64_t> asleep_since) {
    std::optional<std::uint64_t>& free_since = free_since_[to_number(slot)];
    if (!is_free) {
      free_since.reset();
      return true;
    }
    if (!free_since) free_since = now;
    return !asleep_since || now - std::max(*free_since, *asleep_since) < kForVeryLong;
  }

 private:
  // Steps. A CPU that has taken the slot may be frozen for some thousand steps, and its thread may
  // be preempted.
  static constexpr std::uint64_t kForVeryLong = 100'000;

  std::vector<std::optional<std::uint64_t>> free_since_;
};

}  // namespace kmapper::simulated
