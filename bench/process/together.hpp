// What map_all() takes for pages all over a file, beside preads of the same pages one by one.
#pragma once

#include <vector>

#include "bench/process/cached_file.hpp"
#include "bench/process/figures.hpp"

namespace kmapper::bench {

/// Nanoseconds a page. The kernel is made to forget a file on a disk, so that the disk is read.
[[nodiscard]] std::vector<Series> together(const CachedFile& file, unsigned rounds);

}  // namespace kmapper::bench
