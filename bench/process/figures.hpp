// Many measurements of one thing, as three numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <string>
#include <vector>

namespace kmapper::bench {

/// Nanoseconds of a clock of the system.
[[nodiscard]] inline double time_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Of this thread: without the time of other programs, and without waits.
[[nodiscard]] inline double cpu_time() { return time_of(CLOCK_THREAD_CPUTIME_ID); }

[[nodiscard]] inline double time_of_day() { return time_of(CLOCK_MONOTONIC); }

/// A median, and the quartiles around it.
struct Figure {
  double lower = 0;
  double median = 0;
  double upper = 0;
};

[[nodiscard]] inline Figure figure_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double last = static_cast<double>(values.size() - 1);
  const auto at = [&values](double place) { return values[static_cast<std::size_t>(place)]; };
  return {at(std::floor(last / 4)), at(std::floor(last / 2)), at(std::ceil(last * 3 / 4))};
}

/// The ratios of one contender's times to the other's in the same round: noise that lasts longer
/// than a round affects both.
[[nodiscard]] inline Figure ratio_of(const std::vector<double>& one,
                                     const std::vector<double>& other) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i)
    ratios.push_back(one[i] / other[i]);
  return figure_of(ratios);
}

/// A measured thing, with a value for each round.
struct Series {
  std::string name;
  std::vector<double> ns;
};

/// Whether the figures differ: neither spread exceeds the distance of the medians.
[[nodiscard]] inline bool differ(const Figure& one, const Figure& other) {
  const double gap = std::max(one.median, other.median) - std::min(one.median, other.median);
  return one.upper - one.lower <= gap && other.upper - other.lower <= gap;
}

}  // namespace kmapper::bench
