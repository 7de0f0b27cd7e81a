// Time: a tick a hundred times a second on each CPU, and nanoseconds from the time-stamp counter,
// which all CPUs must have alike (SDM 3B 17.17.1: invariant, and started by one reset).
#pragma once

#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::uint32_t kTicksPerSecond = 100;
inline constexpr std::uint32_t kNanosecondsPerTick = 1'000'000'000 / kTicksPerSecond;

/// Measures the time-stamp counter and the local APIC's timer against the timer chip (20 ms), and
/// starts this CPU's ticks: `on_tick` is called in the timer's interrupt. Once, at boot, on CPU 0
/// with interrupts disabled.
void clock_init(void (*on_tick)());
/// Starts the ticks of another CPU.
void clock_start();

/// Nanoseconds since clock_init(). Any context; some twenty instructions.
[[nodiscard]] std::uint64_t now_ns();

/// How many counts of rdtsc() a second has.
[[nodiscard]] std::uint64_t tsc_per_second();

}  // namespace kmapper::kernel
