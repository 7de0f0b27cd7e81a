// The times until which calls wait. Arithmetic with them saturates in both directions.
//
// A deadline beyond kFarthest means no limit. In a 32-bit process, a system call's time has 31 bits
// of seconds. A later deadline would look like one that has passed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace kmapper::process {

using Deadline = std::chrono::steady_clock::time_point;

/// 68 years after the machine was started.
inline constexpr std::chrono::nanoseconds kFarthest = std::chrono::seconds(INT32_MAX);

/// Whether a call that waits until then waits without a limit.
[[nodiscard]] constexpr bool is_for_ever(Deadline deadline) {
  return deadline.time_since_epoch() >= kFarthest;
}

/// The deadline after this time from now; for a time below 0, one that has passed.
[[nodiscard]] inline Deadline deadline_after(std::chrono::nanoseconds time) {
  const Deadline now = std::chrono::steady_clock::now();
  if (time >= kFarthest) return Deadline::max();
  return now + std::max(time, std::chrono::nanoseconds(-1));
}

/// The deadline in the core's units. UINT64_MAX: no limit.
[[nodiscard]] constexpr std::uint64_t nanoseconds_of(Deadline deadline) {
  if (is_for_ever(deadline)) return UINT64_MAX;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(deadline.time_since_epoch().count(), 0));
}

/// The inverse of nanoseconds_of().
[[nodiscard]] constexpr Deadline deadline_of(std::uint64_t nanoseconds) {
  if (nanoseconds >= static_cast<std::uint64_t>(kFarthest.count())) return Deadline::max();
  return Deadline(std::chrono::nanoseconds(static_cast<std::int64_t>(nanoseconds)));
}

}  // namespace kmapper::process
