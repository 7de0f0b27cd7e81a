// An external merge sort. First the input is cut into runs, each as long as there is memory to sort
// it in; then runs are merged, as many at once as the window has room for, until there is one. Each
// pass reads a file, and writes one, from front to back at every place where it reads or writes.
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

/// What the sort may use of memory, in bytes: what it maps at once, and its own. Kept in either
/// phase.
struct Memory {
  std::int64_t bytes;
  std::int64_t granule;
};

/// What it did.
struct Summary {
  std::int64_t runs = 0;
  std::int64_t ways = 0;    // runs merged at once, at most
  std::int64_t merges = 0;  // passes of merging
  double sorting_seconds = 0;
  double merging_seconds = 0;
};

/// Sorts the input's `size` bytes into the output, which has that size already, and may be the same
/// file: it is written in the last pass. `temporary()` gives an open file of that size, at most
/// twice. Throws std::exception.
[[nodiscard]] Summary sort_file(const OpenFile& input, const OpenFile& output, std::int64_t size,
                                const Records& records, const Memory& memory,
                                const std::function<OpenFile()>& temporary);

}  // namespace kmapper::examples
