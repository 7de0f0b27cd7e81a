// Each CPU's local APIC makes its ticks. A chip of known rate measures the time-stamp counter
// (reference_clocks.hpp), and the time-stamp counter measures the local APIC's timer.
//
// CPUs may be reset at different times, and firmware may write to their counters. So each CPU has a
// start value of its own, measured against CPU 0 when the CPU starts (tsc_offset.hpp). The rest of
// the difference is less than a round between the two CPUs. The latest time that any CPU has read
// hides it: no CPU reads an earlier time.
#include "arch/clock.hpp"

#include <atomic>

#include "arch/interrupts.hpp"
#include "arch/per_cpu.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/panic.hpp"
#include "kernel/time/tsc_offset.hpp"
#include "local_apic.hpp"
#include "reference_clocks.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

constinit std::optional<ReferenceClock> reference{};
constinit Rate rate{};
constinit std::uint32_t scale = 0;  // of `rate`
constinit std::uint64_t starts[kMaxCpus]{};
constinit std::uint32_t timer_counts_per_tick = 0;

void set_rate(const Rate& measured) {
  rate = measured;
  scale =
      static_cast<std::uint32_t>(divide(kNanosecondsPerSecond << kScaleShift, rate.hertz).quotient);
}

// How far the timer has counted.
Reading read_timer(void* /*context*/) {
  const std::uint64_t before = rdtsc();
  const std::uint32_t count = local_apic_timer_counted();
  return {before, count, rdtsc()};
}

std::uint32_t measure_timer() {
  local_apic_timer_run_free();
  const auto interval = time_counter({read_timer, nullptr, UINT32_MAX}, UINT32_MAX,
                                     divide(rate.hertz, kTicksPerSecond).quotient);
  if (!interval || !interval->is_whole) panic("the local APIC's timer does not count");
  return static_cast<std::uint32_t>(
      divide(interval->counts * rate.hertz, interval->tsc * kTicksPerSecond).quotient);
}

// --- CPU 0 and another CPU agree on the time ---

constexpr std::uint32_t kRounds = 64;
constexpr std::uint32_t kNoMore = UINT32_MAX;
constinit std::atomic<std::uint32_t> asked{0};  // a round's number
constinit std::atomic<std::uint32_t> answered{0};
constinit std::uint64_t answer = 0;  // published by `answered`

// Nothing if no answer comes within `patience` counts.
std::optional<std::uint64_t> ask(std::uint32_t round, std::uint64_t patience) {
  const std::uint64_t begin = rdtsc();
  asked.store(round);
  while (answered.load() != round) {
    if (rdtsc() - begin > patience) return std::nullopt;
    pause();
  }
  return answer;
}

void report_difference(CpuNumber other, std::uint64_t offset) {
  if (offset == 0) return;
  const bool is_behind = offset >> 63 == 0;
  const std::uint64_t counts = is_behind ? offset : 0 - offset;
  print("the time-stamp counter of CPU {} is {} us {} that of CPU 0: corrected\n", other,
        divide(counts, divide(rate.hertz, 1'000'000).quotient).quotient,
        is_behind ? "behind" : "ahead of");
}

// --- The latest time that any CPU has read ---

constinit std::uint64_t latest = 0;

// Returns the old value; stores `desired` if the old value was `expected`.
std::uint64_t exchange_latest(std::uint64_t expected, std::uint64_t desired) {
  asm volatile("lock cmpxchg8b %1"
               : "+A"(expected), "+m"(latest)
               : "b"(static_cast<std::uint32_t>(desired)),
                 "c"(static_cast<std::uint32_t>(desired >> 32))
               : "cc", "memory");
  return expected;
}

std::uint64_t not_before_latest(std::uint64_t time) {
  std::uint64_t known = exchange_latest(0, 0);
  while (known < time) {
    const std::uint64_t there = exchange_latest(known, time);
    if (there == known) return time;
    known = there;
  }
  return known;
}

}  // namespace

void clock_init(void (*on_tick)()) {
  const MeasuredRate measured = measure_tsc();
  reference = measured.by;
  set_rate(measured.rate);
  starts[0] = rdtsc();
  timer_counts_per_tick = measure_timer();
  set_interrupt_handler(Interrupt::timer, on_tick);
  clock_start();
}

void clock_look_again() {
  if (!reference) return;
  const auto again = measure_rate(reference->counter, reference->hertz);
  if (!again || again->blur >= rate.blur) return;
  if (!again->agrees_with(rate)) {
    print("the clock was set to {} Hz; a second measurement gives {} Hz\n", rate.hertz,
          again->hertz);
  }
  const auto counts = std::uint64_t{timer_counts_per_tick} * again->hertz;
  timer_counts_per_tick = static_cast<std::uint32_t>(divide(counts, rate.hertz).quotient);
  set_rate(*again);
  clock_start();
}

void clock_start() { local_apic_timer_repeat(timer_counts_per_tick); }

bool clock_lead(CpuNumber other) {
  constexpr std::uint64_t kPatienceSeconds = 5;  // an emulated CPU may wait for a host CPU
  constexpr std::uint32_t kMostTimeDivisor = 50;
  TscOffset offset;
  const std::uint64_t begin = rdtsc();
  const std::uint64_t enough = divide(rate.hertz, kMostTimeDivisor).quotient;
  for (std::uint32_t round = 1; round <= kRounds; ++round) {
    const std::uint64_t before = rdtsc();
    const auto theirs = ask(round, kPatienceSeconds * rate.hertz);
    if (!theirs) return false;
    offset.add(before, *theirs, rdtsc());
    if (rdtsc() - begin > enough && round > 1) break;
  }
  starts[to_number(other)] = starts[0] - offset.value();
  asked.store(kNoMore);
  while (answered.load() != kNoMore) pause();
  answered.store(0);
  asked.store(0);
  report_difference(other, offset.value());
  return true;
}

void clock_follow() {
  std::uint32_t last = 0;
  while (last != kNoMore) {
    const std::uint32_t round = asked.load();
    if (round == last) {
      pause();
      continue;
    }
    last = round;
    answer = rdtsc();
    answered.store(round);
  }
}

std::uint64_t now_ns() {
  const InterruptsOff same_cpu;
  const std::uint64_t start = starts[to_number(this_cpu::number())];
  return not_before_latest(scaled(counts_since(start, rdtsc()), scale));
}

std::uint64_t tsc_per_second() { return rate.hertz; }
std::string_view clock_source() { return reference ? reference->name : "CPUID"; }

}  // namespace kmapper::kernel
