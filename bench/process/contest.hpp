// One load of one file with granules of one size: all contenders, in turn, round by round.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/process/cached_file.hpp"
#include "bench/process/contenders.hpp"
#include "bench/process/figures.hpp"
#include "bench/process/load.hpp"

namespace kmapper::bench {

/// How much is measured.
struct Effort {
  unsigned rounds;      // the median counts
  std::size_t percent;  // of the usual number of operations in a round
};

/// What is measured.
struct Plan {
  std::int64_t granule;
  std::int64_t share;  // the budget is the file's size divided by this
  Load load;
  std::vector<unsigned> threads;  // one after the other
  bool only_those_that_keep = false;
};

[[nodiscard]] std::string name_of(const Plan& plan, const CachedFile& file);

/// The result of one contender.
struct Standing {
  std::string name;
  Kind kind;
  // For each of the plan's numbers of threads, for each round: the time of an operation, of all
  // threads together. A scan's operation is 4 KiB.
  std::vector<std::vector<double>> ns;
  double calls;     // system calls for each operation, with one thread; below 0: not known
  double faults;    // page faults for each operation, with the first number of threads
  double resident;  // the most memory and page tables, divided by the budget
  std::int64_t major_faults;  // not 0: a part of the file was not in memory
};

struct Result {
  std::vector<Standing> all;  // the window with its own choice of placement comes first
  std::vector<std::string> absent;
};

/// Ends the program if a contender has read or written something else than the others.
[[nodiscard]] Result contest(const CachedFile& file, const Plan& plan, const Effort& effort);

}  // namespace kmapper::bench
