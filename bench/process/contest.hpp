// One load of one file in granules of one size: all contenders, in turn, round by round.
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
  unsigned rounds;      // whose median counts
  std::size_t percent;  // of the usual number of operations a round
};

/// What came of one contender.
struct Standing {
  std::string name;
  // In each round: of one thread, and of two, an operation of all of them together. A scan's
  // operation is 4 KiB.
  std::array<std::vector<double>, 2> ns;
  double calls;               // system calls an operation, of one thread; below 0: not known
  double faults;              // page faults an operation, of one thread
  double resident;            // the most memory and page tables, to the budget
  std::int64_t major_faults;  // not 0: some of the file was not in memory
};

/// Ends the program where a contender has read or written something else than the others.
[[nodiscard]] std::vector<Standing> contest(const CachedFile& file, std::int64_t granule, Load load,
                                            const Effort& effort);

}  // namespace kmapper::bench
