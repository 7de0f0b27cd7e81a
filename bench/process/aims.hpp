// The aims of the window, compared with its alternatives: ratios of what one run measures.
#pragma once

#include <string>
#include <vector>

#include "bench/process/contest.hpp"
#include "bench/process/hits.hpp"
#include "bench/process/prices.hpp"

namespace kmapper::bench {

/// An aim, and the ratio that it limits.
struct Aim {
  std::string what;
  Figure ratio;
  std::string aim;  // as "<= 1.5"
};

[[nodiscard]] std::vector<Aim> aims_of(const std::vector<Series>& hits);
/// The aims of one contest, which `what` names. `prices` are those of the file.
[[nodiscard]] std::vector<Aim> aims_of(const std::string& what, const Plan& plan,
                                       const std::vector<Standing>& all,
                                       const std::vector<Prices>& prices);

/// The best contender within the budget that is no window, and how many times as long as the window
/// with its own choice it takes.
struct Best {
  unsigned threads;
  std::string name;
  Figure ratio;
};

/// What is judged at the end, over all contests.
class Summary {
 public:
  /// Returns the best for each number of threads.
  [[nodiscard]] std::vector<Best> add(const std::string& what, const Plan& plan,
                                      const std::vector<Standing>& all);
  [[nodiscard]] std::vector<Aim> aims() const;

 private:
  void add_choice(const std::string& what, const std::vector<Standing>& all, std::size_t index);

  std::size_t rows_ = 0;
  std::size_t near_ = 0;    // rows where the window is hardly slower than the best
  std::size_t faster_ = 0;  // or as fast
  double worst_choice_ = 1;
  std::string worst_choice_at_ = "none";
  double most_resident_ = 0;
  std::string most_resident_at_;
};

}  // namespace kmapper::bench
