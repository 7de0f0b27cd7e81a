// How fast the time-stamp counter counts, by a counter whose rate is known. The machine may be one
// of a host that is busy elsewhere at any moment, so each reading says when it began and ended,
// those that took least count, and nothing is believed that does not show twice.
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

/// A counter, which counts up through `mask` and begins again with 0.
struct Counter {
  Reading (*read)(void* context);
  void* context;
  std::uint32_t mask;
};

/// How far both counted between two readings.
struct Interval {
  std::uint64_t tsc;
  std::uint32_t counts;
  std::uint64_t blur;         // of `tsc`: as much as the readings took
  std::uint64_t longest_gap;  // between two readings, in counts of the time-stamp counter
  bool is_whole;              // else the counter ran backwards, or took too long, and it ends there
};

/// Reads the counter until it has counted `counts`, or the time-stamp counter `tsc`. Nothing if the
/// counter stands still. Ends soon, whatever the counter does.
[[nodiscard]] std::optional<Interval> time_counter(const Counter& counter, std::uint32_t counts,
                                                   std::uint64_t tsc = UINT64_MAX);

struct Rate {
  std::uint64_t hertz;  // of the time-stamp counter
  std::uint64_t blur;   // it may be so many hertz more, or less
  [[nodiscard]] bool agrees_with(const Rate& other) const;
};

/// No time-stamp counter is slower, or faster.
inline constexpr std::uint64_t kLeastHertz = 10'000'000;
inline constexpr std::uint64_t kMostHertz = 20'000'000'000;

/// Measures until two measurements agree. Nothing if the counter does not count as one of so many
/// `hertz` does.
[[nodiscard]] std::optional<Rate> measure_rate(const Counter& counter, std::uint32_t hertz);

/// What CPUID says about the time-stamp counter (SDM 2A, CPUID leaves 15H and 16H). Zeros: nothing.
struct NominalRate {
  std::uint32_t denominator, numerator, crystal_hertz;  // 15H: EAX, EBX, ECX
  std::uint32_t megahertz;                              // 16H: EAX
};
[[nodiscard]] std::optional<Rate> nominal_rate(const NominalRate& cpuid);

}  // namespace kmapper::kernel
