// The 8254 timer chip: channel 0 gives the ticks, channel 2 (whose output can be read at port 0x61)
// measures the time-stamp counter. 8254 data sheet: mode 2 repeats, mode 0 ends with the output
// going high.
#include "arch/clock.hpp"

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "arch/io.hpp"
#include "kernel/lib/divide.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kChipHertz = 1193182;
constexpr std::uint32_t kMeasurementsPerSecond = 50;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint32_t kTimerLine = 0;

constexpr Port kChannel0{0x40};
constexpr Port kChannel2{0x42};
constexpr Port kControl{0x43};
constexpr Port kGate{0x61};  // bit 0: channel 2 counts; bit 1: speaker; bit 5: channel 2's output
constexpr std::uint8_t kChannel0Mode2 = 0x34;
constexpr std::uint8_t kChannel2Mode0 = 0xB0;

// Nanoseconds are counts times scale / 2^24.
constexpr std::uint32_t kScaleShift = 24;
constinit std::uint32_t scale = 0;
constinit std::uint64_t hertz = 0;
constinit std::uint64_t tsc_at_start = 0;

void set_count(Port channel, std::uint32_t count) {
  out8(channel, static_cast<std::uint8_t>(count));
  out8(channel, static_cast<std::uint8_t>(count >> 8));
}

std::uint64_t count_one_measurement() {
  const auto gate = static_cast<std::uint8_t>(in8(kGate) & ~3);
  out8(kGate, gate);
  out8(kControl, kChannel2Mode0);
  set_count(kChannel2, kChipHertz / kMeasurementsPerSecond);
  const std::uint64_t start = rdtsc();
  out8(kGate, gate | 1);
  while ((in8(kGate) & 0x20) == 0) pause();
  return rdtsc() - start;
}

}  // namespace

void clock_init(void (*on_tick)()) {
  const std::uint64_t counts = count_one_measurement();
  hertz = counts * kMeasurementsPerSecond;
  constexpr std::uint64_t kNanoseconds = kNanosecondsPerSecond / kMeasurementsPerSecond;
  scale = static_cast<std::uint32_t>(divide(kNanoseconds << kScaleShift, counts).quotient);
  tsc_at_start = rdtsc();

  set_interrupt_handler(kTimerLine, on_tick);
  out8(kControl, kChannel0Mode2);
  set_count(kChannel0, kChipHertz / kTicksPerSecond);
}

std::uint64_t now_ns() {
  const std::uint64_t counts = rdtsc() - tsc_at_start;
  const std::uint64_t high = (counts >> 32) * scale;
  const std::uint64_t low = (counts & UINT32_MAX) * scale;
  return (high << (32 - kScaleShift)) + (low >> kScaleShift);
}

std::uint64_t tsc_per_second() { return hertz; }

}  // namespace kmapper::kernel
