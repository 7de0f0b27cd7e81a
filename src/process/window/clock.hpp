// When a pin was taken, at almost no cost. A hit only notes the clock's tick. Only misses, and
// searches for holders, move the clock. So a pin is known to have been taken between two moves, and
// to be at least as old as the later one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "system/memory.hpp"

namespace kmapper::process {

class Clock {
 public:
  [[nodiscard]] std::uint16_t tick() const {
    return static_cast<std::uint16_t>(tick_.load(std::memory_order_relaxed));
  }

  /// Whether the last move was at least so long ago. `rough_ns`: the time, perhaps a little late.
  [[nodiscard]] bool is_due(std::uint64_t rough_ns, std::uint64_t step_ns) const {
    return rough_ns >= moved_.load(std::memory_order_relaxed) + step_ns;
  }
  void move(std::uint64_t now_ns) {
    std::uint32_t tick = tick_.load(std::memory_order_acquire);
    // Relaxed, and release: a tick's time is written before the tick. If two threads move the clock
    // at once, the times that they write are nearly equal.
    times_[(tick + 1) % kKept].store(now_ns, std::memory_order_relaxed);
    moved_.store(now_ns, std::memory_order_relaxed);
    tick_.compare_exchange_strong(tick, tick + 1, std::memory_order_release,
                                  std::memory_order_relaxed);
  }

  /// The age of a pin that was noted at a tick, at least. A tick that came round, after 65,536
  /// moves, looks younger than it is.
  [[nodiscard]] std::uint64_t age_ns(std::uint16_t tick, std::uint64_t now_ns) const {
    const std::uint32_t current = tick_.load(std::memory_order_acquire);
    const auto moves = static_cast<std::uint16_t>(current - tick);
    if (moves == 0) return 0;
    const std::uint32_t kept = moves < kKept - 1 ? moves : kKept - 1;
    const std::uint64_t since = moved_at(current - kept + 1);
    return now_ns > since ? now_ns - since : 0;
  }

  /// How much memory it may come to occupy, beside itself.
  [[nodiscard]] std::size_t bytes() const { return times_.bytes(); }

 private:
  static constexpr std::uint32_t kKept = 4096;  // with a step of a tenth of a second, seven minutes

  [[nodiscard]] std::uint64_t moved_at(std::uint32_t tick) const {
    return times_[tick % kKept].load(std::memory_order_relaxed);
  }

  std::atomic<std::uint32_t> tick_{0};
  std::atomic<std::uint64_t> moved_{0};  // the last time, beside the tick: each miss reads it
  system::ZeroArray<std::atomic<std::uint64_t>> times_{kKept};
};

}  // namespace kmapper::process
