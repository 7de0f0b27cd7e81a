// Small numbers for the threads of the process: for counters that each thread has for itself, and
// for naming the holders in reports.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// The number that all other threads share: a thread that maps while it ends, after its number has
/// been returned; and all threads beyond 65,534. It does not tell threads apart.
inline constexpr std::uint16_t kSharedThreadNumber = 65'535;

/// Returns the calling thread's number: one from 1 to 65,534 that no other living thread has, or
/// kSharedThreadNumber. A number is used again after its thread has ended.
[[nodiscard]] std::uint16_t assign_thread_number() noexcept;

// Read without a call, in a shared library too: it takes two bytes of those that the loader keeps
// for this.
[[gnu::tls_model(
    "initial-exec")]] inline thread_local constinit std::uint16_t thread_number_or_none = 0;

[[nodiscard]] inline std::uint16_t thread_number() noexcept {
  const std::uint16_t number = thread_number_or_none;
  return number != 0 ? number : assign_thread_number();
}

/// The gettid() of the thread that has, or last had, the number. 0: no thread had it, or it is
/// kSharedThreadNumber.
[[nodiscard]] int thread_id_of(std::uint16_t number) noexcept;
/// Whether a living thread has the number.
[[nodiscard]] bool has_thread(std::uint16_t number) noexcept;

/// Called in the child of a fork, which has one thread: returns the numbers of all others. Takes no
/// lock and no memory.
void forget_other_threads() noexcept;

}  // namespace kmapper::process
