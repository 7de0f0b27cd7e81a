// What the machine takes for the system calls and faults of which misses are made, without any
// contender: the measure for the mapped placements, and for what the figures of another machine
// mean here.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bench/process/cached_file.hpp"
#include "bench/process/figures.hpp"

namespace kmapper::bench {

inline constexpr std::array<std::int64_t, 2> kGranules = {4096, 65536};

/// For granules of one size, at places all over the file. What maps or reads a granule also reads a
/// line of each of its pages, as the load `uniform` does.
struct Prices {
  std::int64_t granule;
  Series fault;  // in a mapping of the file: a write to 4 KiB of a memory file, otherwise a read
  Series drop;   // of what was mapped so, 16 granules in a system call
  Series map;    // mmap over the mapping of another granule, and the fault
  Series read;   // pread into memory that is used again
};

/// The file has its first contents.
[[nodiscard]] std::vector<Prices> prices(const CachedFile& file, unsigned rounds);

}  // namespace kmapper::bench
