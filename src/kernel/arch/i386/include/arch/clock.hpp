// Time: a tick a hundred times a second on each CPU, and nanoseconds from the time-stamp counters.
// These must run at the same rate on all CPUs (SDM 3B 17.17.1, "Invariant TSC"), but may differ by
// any amount.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/cpu.hpp"

namespace kmapper::kernel {

inline constexpr std::uint32_t kTicksPerSecond = 100;
inline constexpr std::uint32_t kNanosecondsPerTick = 1'000'000'000 / kTicksPerSecond;

/// Measures the time-stamp counter, and with it the local APIC's timer, and starts this CPU's
/// ticks: `on_tick` is called in the timer's interrupt. Panics if no source gives the rate. Once,
/// at boot, on CPU 0 with interrupts disabled.
void clock_init(void (*on_tick)());
/// Measures once more, because the host may have been busy the first time. Once, before any other
/// CPU runs threads, on CPU 0 with interrupts disabled.
void clock_look_again();
/// Starts the ticks of another CPU.
void clock_start();

/// CPU 0 leads, and a CPU that has just started follows; when both return, they agree on the time.
/// False: the other CPU does not answer. Interrupts must be disabled on both.
[[nodiscard]] bool clock_lead(CpuNumber other);
void clock_follow();

/// Nanoseconds since clock_init(); never less than a value that any CPU has read before. Any
/// context; about fifty instructions.
[[nodiscard]] std::uint64_t now_ns();

/// Counts of rdtsc() a second, and the source of this rate.
[[nodiscard]] std::uint64_t tsc_per_second();
[[nodiscard]] std::string_view clock_source();

}  // namespace kmapper::kernel
