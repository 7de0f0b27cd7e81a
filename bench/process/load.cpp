#include "bench/process/load.hpp"

#include <cmath>

namespace kmapper::bench {
namespace {

/// Ranks from 0, the likeliest first: Gray and others, "Quickly generating billion-record synthetic
/// databases" (1994), as in most benches of stores.
class Zipf {
 public:
  explicit Zipf(std::int64_t ranks) : ranks_(static_cast<double>(ranks)) {
    for (std::int64_t i = 1; i <= ranks; ++i) sum_ += std::pow(static_cast<double>(i), -kExponent);
    eta_ = (1 - std::pow(2 / ranks_, 1 - kExponent)) / (1 - kFirstTwo / sum_);
  }
  [[nodiscard]] std::int64_t next(Random& random) const {
    const double fraction = random.fraction();
    if (fraction * sum_ < 1) return 0;
    if (fraction * sum_ < kFirstTwo) return 1;
    const double rank = ranks_ * std::pow(eta_ * fraction - eta_ + 1, 1 / (1 - kExponent));
    return std::min(static_cast<std::int64_t>(rank), static_cast<std::int64_t>(ranks_) - 1);
  }

 private:
  static constexpr double kExponent = 0.99;
  static constexpr double kFirstTwo = 1 + 0.50347777502835944;  // 1 + 2^-0.99
  const double ranks_;
  double sum_ = 0;
  double eta_ = 0;
};

/// A different granule for each rank: the factor is a prime.
std::int64_t scattered(std::int64_t rank, std::int64_t granules) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(rank) * 2'654'435'761U %
                                   static_cast<std::uint64_t>(granules));
}

}  // namespace

const char* name_of(Load load) {
  switch (load) {
    case Load::uniform:
      return "uniform";
    case Load::zipf:
      return "zipf";
    case Load::mix:
      return "90/10";
    case Load::scan:
      return "scan";
    case Load::beside:
      return "zipf beside a scan";
    case Load::writes:
      return "writes";
    case Load::uncached:
      return "uncached";
  }
  return "";
}

std::vector<std::int64_t> places_of(Load load, std::int64_t size, std::int64_t granule,
                                    std::size_t count) {
  std::vector<std::int64_t> places;
  if (load == Load::scan) return places;
  const std::int64_t granules = size / granule;
  const std::int64_t lines = granule / static_cast<std::int64_t>(kLine);
  const bool is_zipf = load == Load::zipf || load == Load::beside;
  const Zipf zipf(is_zipf ? granules : 2);
  Random random(static_cast<std::uint64_t>(is_zipf ? Load::zipf : load) + 1);
  places.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t rank = 0;
    if (is_zipf) {
      rank = zipf.next(random);
    } else {
      const bool hot = load == Load::mix && random.below(10) != 0;
      rank = random.below(hot ? granules / 10 : granules);
    }
    const std::int64_t line = load == Load::uniform ? 0 : random.below(lines);
    places.push_back(scattered(rank, granules) * granule + line * static_cast<std::int64_t>(kLine));
  }
  return places;
}

}  // namespace kmapper::bench
