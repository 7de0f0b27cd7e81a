// Event counters of one CPU or one host thread. Only the owner writes them, so an event costs an
// ordinary addition; any thread may read them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kmapper/core/platform.hpp"

namespace kmapper::simulated {

class Counters {
 public:
  /// Only the owner may call this.
  void add(Event event, std::uint64_t n) {
    std::atomic<std::uint64_t>& counter = counters_[static_cast<std::size_t>(event)];
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value(Event event) const {
    return counters_[static_cast<std::size_t>(event)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Event::kCount)> counters_{};
};

}  // namespace kmapper::simulated
