// How long a call of the public face may wait, in the core's words; and what the core refused, in
// those of the public face.
#pragma once

#include <stop_token>

#include "kmapper/process.hpp"
#include "process/arena.hpp"
#include "process/deadline.hpp"

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
    default:
      return WindowErrc::would_sleep;
  }
}

/// What call(limits) returns, which waits no longer than that.
template <class Call>
[[nodiscard]] auto call_within(const Patience& patience, Arena::Window& window, Call call) {
  Limits<Platform> limits{.deadline_ns = nanoseconds_of(patience.deadline)};
  if (!patience.stop.stop_possible()) return call(limits);
  Cancellation<Platform> cancellation;
  limits.cancellation = &cancellation;
  const auto cancel = [&] { window.cancel(cancellation); };
  const std::stop_callback on_stop(patience.stop, cancel);
  return call(limits);
}

}  // namespace kmapper::process
