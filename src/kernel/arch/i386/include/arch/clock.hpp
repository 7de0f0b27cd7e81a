// Time: a tick a hundred times a second, and nanoseconds from the time-stamp counter.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::uint32_t kTicksPerSecond = 100;
inline constexpr std::uint32_t kNanosecondsPerTick = 1'000'000'000 / kTicksPerSecond;

/// Measures the time-stamp counter against the timer chip (20 ms), and starts the ticks: `on_tick`
/// is called in the timer's interrupt. Once, at boot, with interrupts disabled.
void clock_init(void (*on_tick)());

/// Nanoseconds since clock_init(). Any context; some twenty instructions.
[[nodiscard]] std::uint64_t now_ns();

/// How many counts of rdtsc() a second has.
[[nodiscard]] std::uint64_t tsc_per_second();

}  // namespace kmapper::kernel
