// Moments until which a call waits. Arithmetic with them saturates, in both directions.
//
// What lies beyond kFarthest is for ever: a system call's time has 31 bits of seconds in a 32-bit
// process, and a deadline that it cannot say would be one that has passed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace kmapper::process {

using Deadline = std::chrono::steady_clock::time_point;

/// 68 years after the machine was started.
inline constexpr std::chrono::nanoseconds kFarthest = std::chrono::seconds(INT32_MAX);

/// A call that waits until then waits for ever.
[[nodiscard]] constexpr bool is_for_ever(Deadline deadline) {
  return deadline.time_since_epoch() >= kFarthest;
}

/// So much time from now on; one below 0 has passed.
[[nodiscard]] inline Deadline deadline_after(std::chrono::nanoseconds time) {
  const Deadline now = std::chrono::steady_clock::now();
  if (time >= kFarthest) return Deadline::max();
  return now + std::max(time, std::chrono::nanoseconds(-1));
}

/// As the core counts. UINT64_MAX: for ever.
[[nodiscard]] constexpr std::uint64_t nanoseconds_of(Deadline deadline) {
  if (is_for_ever(deadline)) return UINT64_MAX;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(deadline.time_since_epoch().count(), 0));
}

/// The same, back.
[[nodiscard]] constexpr Deadline deadline_of(std::uint64_t nanoseconds) {
  if (nanoseconds >= static_cast<std::uint64_t>(kFarthest.count())) return Deadline::max();
  return Deadline(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

}  // namespace kmapper::process
