// Translates for the public interface: how long a call may wait, into the core's terms; and the
// core's refusals, into the public errors.
#pragma once

#include <stop_token>

#include "kmapper/core/result.hpp"
#include "kmapper/process/process.hpp"
#include "process/wait/deadline.hpp"
#include "process/wait/long_wait.hpp"
#include "process/window/arena.hpp"

namespace kmapper::process {

[[nodiscard]] constexpr WindowErrc code_of(MapError error) {
  switch (error) {
    case MapError::timed_out:
      return WindowErrc::timed_out;
    case MapError::cancelled:
      return WindowErrc::cancelled;
    case MapError::too_many_users:
      return WindowErrc::too_many_users;
    case MapError::too_large:
      return WindowErrc::too_large;
    case MapError::spent:
      return WindowErrc::spent;
    case MapError::holds_a_pin:
      return WindowErrc::would_deadlock;
    default:
      return WindowErrc::would_sleep;
  }
}

[[nodiscard]] constexpr MapError error_of(MapError error) { return error; }
template <class T>
[[nodiscard]] MapError error_of(const Result<T>& result) {
  return result.error();
}

/// Returns call(limits), which waits no longer than `wait` allows.
template <class Call>
[[nodiscard]] auto call_within(LongWait& wait, Arena::Window& window, Call call) {
  const Patience& patience = wait.patience();
  const Limits<Platform> limits{.deadline_ns = nanoseconds_of(patience.deadline),
                                .cancellation = &wait.cancellation()};
  const auto call_to_the_end = [&] {
    if (!patience.stop.stop_possible()) return call(limits);
    const auto cancel = [&] { window.cancel(wait.cancellation()); };
    const std::stop_callback on_stop(patience.stop, cancel);
    return call(limits);
  };
  auto result = call_to_the_end();
  if (wait.verdict() != MapError::none && error_of(result) == MapError::cancelled)
    result = wait.verdict();
  return result;
}

}  // namespace kmapper::process
