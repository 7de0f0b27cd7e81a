// The threads of the process, by small numbers: for counters that each thread has for itself, and
// for naming who holds what.
#pragma once

#include <cstdint>

namespace kmapper::process {

/// The calling thread's number: 1 and up, no two living threads have the same. A number is used
/// again when its thread has ended.
[[nodiscard]] std::uint16_t assign_thread_number();

// Without a call, in a shared library too: two bytes of those that the loader keeps for this.
[[gnu::tls_model(
    "initial-exec")]] inline thread_local constinit std::uint16_t thread_number_or_none = 0;

[[nodiscard]] inline std::uint16_t thread_number() {
  const std::uint16_t number = thread_number_or_none;
  return number != 0 ? number : assign_thread_number();
}

/// What gettid() says, or said, of the thread that has or last had the number.
[[nodiscard]] int thread_id_of(std::uint16_t number);

}  // namespace kmapper::process
