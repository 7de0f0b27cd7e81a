// The aims of the window, compared with its alternatives.
#pragma once

#include <string>
#include <vector>

#include "bench/process/contest.hpp"
#include "bench/process/hits.hpp"

namespace kmapper::bench {

/// An aim, and the ratio that it limits.
struct Aim {
  std::string what;
  Figure ratio;
  std::string aim;  // as "<= 1.5"
};

[[nodiscard]] std::vector<Aim> aims_of(const std::vector<Hit>& hits);
/// The aims of one contest, which `what` names.
[[nodiscard]] std::vector<Aim> aims_of(const std::string& what, const std::vector<Standing>& all,
                                       Load load, std::int64_t granule, bool has_home);

/// The most memory that a window had resident in any contest.
class Residents {
 public:
  void add(const std::string& what, const std::vector<Standing>& all);
  [[nodiscard]] Aim aim() const;

 private:
  double most_ = 0;
  std::string where_;
};

}  // namespace kmapper::bench
