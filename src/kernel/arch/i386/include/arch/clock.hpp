// Time: a tick a hundred times a second on each CPU, and nanoseconds from the time-stamp counters,
// which must be equally fast on all CPUs (SDM 3B 17.17.1, "Invariant TSC"), and may differ by any
// amount.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/cpu.hpp"

namespace kmapper::kernel {

inline constexpr std::uint32_t kTicksPerSecond = 100;
inline constexpr std::uint32_t kNanosecondsPerTick = 1'000'000'000 / kTicksPerSecond;

/// Measures the time-stamp counter, and by it the local APIC's timer, and starts this CPU's ticks:
/// `on_tick` is called in the timer's interrupt. Panics where nothing tells how fast they are.
/// Once, at boot, on CPU 0 with interrupts disabled.
void clock_init(void (*on_tick)());
/// Measures once more, for the host may have been busy with others the first time. Once, before any
/// other CPU runs threads, on CPU 0 with interrupts disabled.
void clock_look_again();
/// Starts the ticks of another CPU.
void clock_start();

/// CPU 0 leads, and a CPU that has just come follows; when both return, they know the same time.
/// False: the other one does not answer. Interrupts must be disabled on both.
[[nodiscard]] bool clock_lead(CpuNumber other);
void clock_follow();

/// Nanoseconds since clock_init(); never less than any CPU has read before. Any context; some fifty
/// instructions.
[[nodiscard]] std::uint64_t now_ns();

/// How many counts of rdtsc() a second has, and what has told.
[[nodiscard]] std::uint64_t tsc_per_second();
[[nodiscard]] std::string_view clock_source();

}  // namespace kmapper::kernel
