// Ticks come from each CPU's local APIC. How fast its timer counts, and the time-stamp counter, is
// measured by channel 2 of the 8254 timer chip, whose output can be read at port 0x61: in mode 0 it
// goes high at the end (8254 data sheet).
#include "arch/clock.hpp"

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "arch/io.hpp"
#include "kernel/lib/divide.hpp"
#include "local_apic.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kChipHertz = 1193182;
constexpr std::uint32_t kMeasurementsPerSecond = 50;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;

constexpr Port kChannel2{0x42};
constexpr Port kControl{0x43};
constexpr Port kGate{0x61};  // bit 0: channel 2 counts; bit 1: speaker; bit 5: channel 2's output
constexpr std::uint8_t kChannel2Mode0 = 0xB0;

// Nanoseconds are counts times scale / 2^24.
constexpr std::uint32_t kScaleShift = 24;
constinit std::uint32_t scale = 0;
constinit std::uint64_t hertz = 0;
constinit std::uint64_t tsc_at_start = 0;
constinit std::uint32_t timer_counts_per_tick = 0;

void set_count(Port channel, std::uint32_t count) {
  out8(channel, static_cast<std::uint8_t>(count));
  out8(channel, static_cast<std::uint8_t>(count >> 8));
}

struct Counts {
  std::uint64_t tsc;
  std::uint32_t timer;
};

Counts count_one_measurement() {
  const auto gate = static_cast<std::uint8_t>(in8(kGate) & ~3);
  out8(kGate, gate);
  out8(kControl, kChannel2Mode0);
  set_count(kChannel2, kChipHertz / kMeasurementsPerSecond);
  local_apic_timer_run_free();
  const std::uint32_t timer = local_apic_timer_counted();
  const std::uint64_t start = rdtsc();
  out8(kGate, gate | 1);
  while ((in8(kGate) & 0x20) == 0) pause();
  return {rdtsc() - start, local_apic_timer_counted() - timer};
}

}  // namespace

void clock_init(void (*on_tick)()) {
  const Counts counts = count_one_measurement();
  hertz = counts.tsc * kMeasurementsPerSecond;
  constexpr std::uint64_t kNanoseconds = kNanosecondsPerSecond / kMeasurementsPerSecond;
  scale = static_cast<std::uint32_t>(divide(kNanoseconds << kScaleShift, counts.tsc).quotient);
  tsc_at_start = rdtsc();

  set_interrupt_handler(Interrupt::timer, on_tick);
  static_assert(kTicksPerSecond % kMeasurementsPerSecond == 0);
  timer_counts_per_tick = counts.timer / (kTicksPerSecond / kMeasurementsPerSecond);
  clock_start();
}

void clock_start() { local_apic_timer_repeat(timer_counts_per_tick); }

std::uint64_t now_ns() {
  const std::uint64_t counts = rdtsc() - tsc_at_start;
  const std::uint64_t high = (counts >> 32) * scale;
  const std::uint64_t low = (counts & UINT32_MAX) * scale;
  return (high << (32 - kScaleShift)) + (low >> kScaleShift);
}

std::uint64_t tsc_per_second() { return hertz; }

}  // namespace kmapper::kernel
