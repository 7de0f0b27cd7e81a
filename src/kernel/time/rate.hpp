// The rate of the time-stamp counter, measured by a counter of known rate. The machine may be a
// guest of a host that is busy at any moment. So each reading has a time before and after it, the
// fastest readings count, and a result must be measured twice.
#pragma once

#include <cstdint>
#include <optional>

namespace kmapper::kernel {

/// A counter's value, and the time-stamp counter just before and just after it.
struct Reading {
  std::uint64_t before;
  std::uint32_t count;
  std::uint64_t after;
};

/// A counter that counts up to `mask` and wraps to 0.
struct Counter {
  Reading (*read)(void* context);
  void* context;
  std::uint32_t mask;
};

/// How far both counted between two readings.
struct Interval {
  std::uint64_t tsc;
  std::uint32_t counts;
  std::uint64_t blur;         // the uncertainty of `tsc`: the time that the readings took
  std::uint64_t longest_gap;  // between two readings, in counts of the time-stamp counter
  bool is_whole;  // false: the counter ran backwards, or took too long, and the interval ends there
};

/// Reads the counter until it has counted `counts`, or the time-stamp counter has counted `tsc`.
/// Nothing if the counter stands still. Always ends soon.
[[nodiscard]] std::optional<Interval> time_counter(const Counter& counter, std::uint32_t counts,
                                                   std::uint64_t tsc = UINT64_MAX);

struct Rate {
  std::uint64_t hertz;  // of the time-stamp counter
  std::uint64_t blur;   // it may be so many hertz more or less
  [[nodiscard]] bool agrees_with(const Rate& other) const;
};

/// The bounds of any time-stamp counter's rate.
inline constexpr std::uint64_t kLeastHertz = 10'000'000;
inline constexpr std::uint64_t kMostHertz = 20'000'000'000;

/// Measures until two measurements agree. Nothing if the counter does not count at `hertz`.
[[nodiscard]] std::optional<Rate> measure_rate(const Counter& counter, std::uint32_t hertz);

/// What CPUID says about the time-stamp counter (SDM 2A, CPUID leaves 15H and 16H). Zero: unknown.
struct NominalRate {
  std::uint32_t denominator, numerator, crystal_hertz;  // 15H: EAX, EBX, ECX
  std::uint32_t megahertz;                              // 16H: EAX
};
[[nodiscard]] std::optional<Rate> nominal_rate(const NominalRate& cpuid);

}  // namespace kmapper::kernel
