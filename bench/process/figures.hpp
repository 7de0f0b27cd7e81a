// Many measurements of one thing, as three numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <vector>

namespace kmapper::bench {

/// Nanoseconds that this thread has run for: what others do on the machine is not in it, and
/// neither is what it waits for.
[[nodiscard]] inline double cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

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

/// What each measurement of one is to that of the other in the same round: noise that lasts longer
/// than a round is in both.
[[nodiscard]] inline Figure ratio_of(const std::vector<double>& one,
                                     const std::vector<double>& other) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i)
    ratios.push_back(one[i] / other[i]);
  return figure_of(ratios);
}

/// Whether they may be told apart: neither spread is more than the medians are apart.
[[nodiscard]] inline bool differ(const Figure& one, const Figure& other) {
  const double gap = std::max(one.median, other.median) - std::min(one.median, other.median);
  return one.upper - one.lower <= gap && other.upper - other.lower <= gap;
}

}  // namespace kmapper::bench
