// What the window should be, beside the others.
#pragma once

#include <string>
#include <vector>

#include "bench/process/contest.hpp"
#include "bench/process/hits.hpp"

namespace kmapper::bench {

/// An aim, and the ratio that it is about.
struct Aim {
  std::string what;
  Figure ratio;
  std::string aim;  // as "<= 1.5"
};

[[nodiscard]] std::vector<Aim> aims_of(const std::vector<Hit>& hits);
/// Of one contest; `what` names it.
[[nodiscard]] std::vector<Aim> aims_of(const std::string& what, const std::vector<Standing>& all,
                                       Load load, std::int64_t granule, bool has_home);

/// The most that a window had resident in any contest.
class Residents {
 public:
  void add(const std::string& what, const std::vector<Standing>& all);
  [[nodiscard]] Aim aim() const;

 private:
  double most_ = 0;
  std::string where_;
};

}  // namespace kmapper::bench
