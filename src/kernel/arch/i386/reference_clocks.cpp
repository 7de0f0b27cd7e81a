#include "reference_clocks.hpp"

#include "arch/cpu.hpp"
#include "arch/io.hpp"
#include "arch/paging.hpp"
#include "kernel/firmware/timers.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {
namespace {

// --- HPET (IA-PC HPET specification 1.0a, 2.3) ---

volatile std::uint32_t& hpet_register(void* registers, std::uint32_t offset) {
  return static_cast<volatile std::uint32_t*>(registers)[offset / sizeof(std::uint32_t)];
}

Reading read_hpet(void* registers) {
  constexpr std::uint32_t kCounter = 0xF0;
  const std::uint64_t before = rdtsc();
  const std::uint32_t count = hpet_register(registers, kCounter);
  return {before, count, rdtsc()};
}

// Starts the counter; the firmware may have stopped it.
std::optional<ReferenceClock> open_hpet(PhysAddr address) {
  constexpr std::uint32_t kPeriod = 4;  // of a count, in femtoseconds
  constexpr std::uint32_t kMostPeriod = 100'000'000;
  constexpr std::uint32_t kLeastPeriod = 1'000'000;
  constexpr std::uint64_t kFemtosecondsPerSecond = 1'000'000'000'000'000;
  constexpr std::uint32_t kConfiguration = 0x10;
  constexpr std::uint32_t kCounts = 1;
  auto* const registers =
      static_cast<unsigned char*>(map_device(to_pfn(address))) + to_number(address) % kPageSize;
  const std::uint32_t period = hpet_register(registers, kPeriod);
  if (period < kLeastPeriod || period > kMostPeriod) return std::nullopt;
  hpet_register(registers, kConfiguration) = hpet_register(registers, kConfiguration) | kCounts;
  const auto hertz = static_cast<std::uint32_t>(divide(kFemtosecondsPerSecond, period).quotient);
  return ReferenceClock{"HPET", hertz, {read_hpet, registers, UINT32_MAX}};
}

// --- The ACPI timer ---

constinit AcpiTimer acpi_timer{};

Reading read_acpi_timer(void* /*context*/) {
  const std::uint64_t before = rdtsc();
  const std::uint32_t count = in32(Port{acpi_timer.port}) & acpi_timer.mask;
  return {before, count, rdtsc()};
}

// --- Channel 2 of the 8254 timer chip (8254 data sheet, mode 0) ---

constexpr std::uint32_t kChipHertz = 1'193'182;
constexpr Port kChannel2{0x42};
constexpr Port kControl{0x43};
constexpr Port kGate{0x61};  // bit 0: channel 2 counts; bit 1: speaker

// The chip counts down. A read returns the value at the time of the latch command.
Reading read_chip(void* /*context*/) {
  constexpr std::uint8_t kLatchChannel2 = 0x80;
  const std::uint64_t before = rdtsc();
  out8(kControl, kLatchChannel2);
  const std::uint64_t after = rdtsc();
  const std::uint32_t low = in8(kChannel2);
  const std::uint32_t high = in8(kChannel2);
  return {before, UINT16_MAX - (high << 8 | low), after};
}

ReferenceClock open_chip() {
  constexpr std::uint8_t kChannel2Mode0 = 0xB0;
  out8(kGate, static_cast<std::uint8_t>((in8(kGate) & ~3) | 1));
  out8(kControl, kChannel2Mode0);
  out8(kChannel2, 0xFF);
  out8(kChannel2, 0xFF);
  return {"8254 timer", kChipHertz, {read_chip, nullptr, UINT16_MAX}};
}

NominalRate ask_cpuid() {
  constexpr std::uint32_t kTsc = 0x15;
  constexpr std::uint32_t kFrequency = 0x16;
  const std::uint32_t last = cpuid(0).eax;
  const CpuidAnswer tsc = last >= kTsc ? cpuid(kTsc) : CpuidAnswer{};
  const CpuidAnswer frequency = last >= kFrequency ? cpuid(kFrequency) : CpuidAnswer{};
  return {tsc.eax, tsc.ebx, tsc.ecx, frequency.eax & 0xFFFF};
}

// The measurement; if it fails, prints a line.
std::optional<MeasuredRate> measure_by(const ReferenceClock& clock) {
  const std::optional<Rate> rate = measure_rate(clock.counter, clock.hertz);
  if (rate) return MeasuredRate{*rate, clock};
  print("the {} does not count at {} Hz: the clock is set without it\n", clock.name, clock.hertz);
  return std::nullopt;
}

}  // namespace

// The clocks that take longest to wrap come first.
MeasuredRate measure_tsc() {
  acpi::Tables tables(read_physical);
  if (const auto address = find_hpet(read_physical, tables)) {
    const std::optional<ReferenceClock> hpet = open_hpet(*address);
    if (!hpet) print("there is no HPET at {}: the clock is set without it\n", *address);
    const auto measured = hpet ? measure_by(*hpet) : std::nullopt;
    if (measured) return *measured;
  }
  if (const auto timer = find_acpi_timer(read_physical, tables)) {
    acpi_timer = *timer;
    const auto measured =
        measure_by({"ACPI timer", AcpiTimer::kHertz, {read_acpi_timer, nullptr, timer->mask}});
    if (measured) return *measured;
  }
  if (const auto measured = measure_by(open_chip())) return *measured;
  if (const auto rate = nominal_rate(ask_cpuid())) {
    print("the clock is set to the {} Hz that CPUID tells\n", rate->hertz);
    return {*rate, std::nullopt};
  }
  panic(
      "no clock: neither HPET, ACPI timer nor 8254 timer counts, and CPUID does not tell how fast "
      "the time-stamp counter is");
}

}  // namespace kmapper::kernel
