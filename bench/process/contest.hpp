// One load of one file with granules of one size: all contenders, in turn, round by round.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/process/cached_file.hpp"
#include "bench/process/figures.hpp"
#include "bench/process/load.hpp"

namespace kmapper::bench {

/// How much is measured.
struct Effort {
  unsigned rounds;      // the median counts
  std::size_t percent;  // of the usual number of operations in a round
};

/// The result of one contender.
struct Standing {
  std::string name;
  // For each round: the time of an operation, with one thread and with two together. A scan's
  // operation is 4 KiB.
  std::array<std::vector<double>, 2> ns;
  double calls;     // system calls for each operation, with one thread; below 0: not known
  double faults;    // page faults for each operation, with one thread
  double resident;  // the most memory and page tables, divided by the budget
  std::int64_t major_faults;  // not 0: a part of the file was not in memory
};

/// Ends the program if a contender has read or written something else than the others.
[[nodiscard]] std::vector<Standing> contest(const CachedFile& file, std::int64_t granule, Load load,
                                            const Effort& effort);

}  // namespace kmapper::bench
