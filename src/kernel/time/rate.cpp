#include "kernel/time/rate.hpp"

#include <algorithm>

#include "kernel/lib/divide.hpp"

namespace kmapper::kernel {
namespace {

constexpr int kReadingsAtAnEnd = 8;
constexpr std::uint32_t kPatience = 1000;     // readings
constexpr std::uint64_t kMostTsc = 1U << 28;  // 27 ms at 10 GHz, which no CPU reaches
constexpr std::uint32_t kMeasurementsPerSecond =
    200;  // a host sometimes gives time slices of 10 ms
constexpr int kTries = 32;
constexpr std::uint64_t kMostTscOfTries = std::uint64_t{1} << 34;  // 7 s at 2.5 GHz
constexpr std::uint32_t kNarrow = 1U << 20;

Reading best_of_some(const Counter& counter) {
  Reading best = counter.read(counter.context);
  for (int i = 1; i < kReadingsAtAnEnd; ++i) {
    const Reading next = counter.read(counter.context);
    if (next.after - next.before < best.after - best.before) best = next;
  }
  return best;
}

Interval between(const Counter& counter, const Reading& first, const Reading& last) {
  // The middle between the least and the largest possible value.
  const std::uint64_t blur = (first.after - first.before) + (last.after - last.before);
  const std::uint64_t least = last.before - first.after;
  return {least + blur / 2, (last.count - first.count) & counter.mask, blur, 0, true};
}

std::uint64_t per_second(std::uint64_t tsc, const Interval& interval, std::uint32_t hertz) {
  return divide(tsc * hertz, interval.counts).quotient;
}

std::optional<Rate> rate_of(const Interval& interval, std::uint32_t hertz) {
  // A rate that does not fit 64 bits is wrong.
  if (interval.tsc > UINT64_MAX / hertz) return std::nullopt;
  const Rate rate{per_second(interval.tsc, interval, hertz),
                  per_second(interval.blur, interval, hertz)};
  if (rate.hertz < kLeastHertz || rate.hertz > kMostHertz) return std::nullopt;
  return rate;
}

}  // namespace

std::optional<Interval> time_counter(const Counter& counter, std::uint32_t counts,
                                     std::uint64_t tsc) {
  const Reading first = best_of_some(counter);
  Reading last = first;
  std::uint64_t longest_gap = 0;
  for (std::uint32_t readings = 0;; ++readings) {
    const Reading next = counter.read(counter.context);
    const std::uint32_t step = (next.count - last.count) & counter.mask;
    const bool backwards = step > counter.mask - counter.mask / 16;
    longest_gap = std::max(longest_gap, next.after - last.after);
    last = next;
    const std::uint32_t counted = (last.count - first.count) & counter.mask;
    const std::uint64_t took = last.after - first.after;
    if (counted == 0 && readings >= kPatience) return std::nullopt;
    const bool too_long = tsc == UINT64_MAX && readings >= kPatience && took > kMostTsc;
    if (backwards || too_long) return Interval{took, counted, 0, longest_gap, false};
    if (counted >= counts || took >= tsc) break;
  }
  const Reading before_end = last;
  last = best_of_some(counter);
  Interval interval = between(counter, first, last);
  interval.longest_gap = std::max(longest_gap, last.before - before_end.after);
  interval.is_whole = interval.counts != 0;
  return interval;
}

// To a hundredth, plus the uncertainty of the readings.
bool Rate::agrees_with(const Rate& other) const {
  const std::uint64_t difference = hertz > other.hertz ? hertz - other.hertz : other.hertz - hertz;
  return difference <= divide(hertz, 100).quotient + blur + other.blur;
}

namespace {

// The lowest of some rates, and whether another one agrees with it.
class Lowest {
 public:
  void add(const Rate& rate) {
    const bool agrees = lowest_ && lowest_->agrees_with(rate);
    if (!lowest_ || rate.hertz < lowest_->hertz) {
      is_confirmed_ = agrees;
      lowest_ = rate;
    } else {
      is_confirmed_ = is_confirmed_ || agrees;
    }
  }
  [[nodiscard]] std::optional<Rate> confirmed() const {
    return is_confirmed_ ? lowest_ : std::nullopt;
  }

 private:
  std::optional<Rate> lowest_{};
  bool is_confirmed_ = false;
};

// While the counter was not read, it may have wrapped unseen, and counted more than it seems.
bool may_lack_counts(const Counter& counter, const Interval& interval) {
  return counter.mask < kNarrow && interval.longest_gap > interval.tsc / 4;
}

}  // namespace

// If the counter lacks counts, the time-stamp counter seems too fast, never too slow. So the lowest
// rate is the best guess.
std::optional<Rate> measure_rate(const Counter& counter, std::uint32_t hertz) {
  std::optional<Rate> best;
  Lowest lowest;
  std::uint64_t took = 0;
  for (int i = 0; i < kTries && took < kMostTscOfTries; ++i) {
    const auto interval = time_counter(counter, hertz / kMeasurementsPerSecond);
    if (!interval) return std::nullopt;
    took += interval->tsc;
    if (!interval->is_whole) continue;
    const std::optional<Rate> rate = rate_of(*interval, hertz);
    if (!rate) continue;
    lowest.add(*rate);
    if (may_lack_counts(counter, *interval)) continue;
    const bool agrees = best && best->agrees_with(*rate);
    if (!best || rate->blur < best->blur) best = rate;
    if (agrees) return best;
  }
  return lowest.confirmed();
}

std::optional<Rate> nominal_rate(const NominalRate& cpuid) {
  std::uint64_t hertz = std::uint64_t{cpuid.megahertz} * 1'000'000;
  if (cpuid.denominator != 0 && cpuid.numerator != 0 && cpuid.crystal_hertz != 0) {
    hertz =
        divide(std::uint64_t{cpuid.crystal_hertz} * cpuid.numerator, cpuid.denominator).quotient;
  }
  if (hertz < kLeastHertz || hertz > kMostHertz) return std::nullopt;
  return Rate{hertz, divide(hertz, 100).quotient};
}

}  // namespace kmapper::kernel
