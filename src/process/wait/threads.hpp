// The threads of the process, by small numbers: for counters that each thread has for itself, and
// for naming who holds what.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// Threads that have no number of their own share this one: a thread that maps while it ends, when
/// its number has been returned; and all threads beyond 65,534. It tells no thread from another.
inline constexpr std::uint16_t kSharedThreadNumber = 65'535;

/// The calling thread's number: 1 to 65,534, which no other living thread has; or
/// kSharedThreadNumber. A number is used again when its thread has ended.
[[nodiscard]] std::uint16_t assign_thread_number() noexcept;

// Without a call, in a shared library too: two bytes of those that the loader keeps for this.
[[gnu::tls_model(
    "initial-exec")]] inline thread_local constinit std::uint16_t thread_number_or_none = 0;

[[nodiscard]] inline std::uint16_t thread_number() noexcept {
  const std::uint16_t number = thread_number_or_none;
  return number != 0 ? number : assign_thread_number();
}

/// What gettid() says, or said, of the thread that has or last had the number. 0: of none, or of
/// kSharedThreadNumber.
[[nodiscard]] int thread_id_of(std::uint16_t number) noexcept;
/// Whether a thread that has not ended has the number.
[[nodiscard]] bool has_thread(std::uint16_t number) noexcept;

/// After a fork, in the child, which has one thread: returns the numbers of all others. Takes no
/// lock and no memory.
void forget_other_threads() noexcept;

}  // namespace kmapper::process
