// An external merge sort. First the input is cut into runs, each as long as fits in memory for
// sorting. Then runs are merged, as many at once as the window has room for, until there is one.
// Each pass reads one file and writes another, sequentially at each place where it reads or writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "records.hpp"

namespace kmapper::examples {

struct OpenFile {
  int descriptor;
  std::string name;
};

/// The memory that the sort may use, in bytes: what it maps at once, and its own. Both phases keep
/// to it.
struct Memory {
  std::int64_t bytes;
  std::int64_t granule;
};

/// Statistics of a sort.
struct Summary {
  std::int64_t runs = 0;
  std::int64_t ways = 0;    // runs merged at once, at most
  std::int64_t merges = 0;  // passes of merging
  double sorting_seconds = 0;
  double merging_seconds = 0;
};

/// Sorts the input's `size` bytes into the output, which already has that size. The output may be
/// the same file, because only the last pass writes it. `temporary()` returns an open file of that
/// size; it is called at most twice. Throws std::exception.
[[nodiscard]] Summary sort_file(const OpenFile& input, const OpenFile& output, std::int64_t size,
                                const Records& records, const Memory& memory,
                                const std::function<OpenFile()>& temporary);

}  // namespace kmapper::examples
