// Counts the system calls of another process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace kmapper::bench {

/// The process's only thread calls this twice: system calls in between are counted.
void mark_counting();

/// Traces a child of this process, starts it by `start`, and returns how many system calls it makes
/// between its two marks, which it must reach. Below 0: this process may not trace.
[[nodiscard]] std::int64_t count_system_calls(pid_t child, const std::function<void()>& start);

}  // namespace kmapper::bench
