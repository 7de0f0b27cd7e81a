// Finds the buffers of a cache: open addressing, linear probing, at most half full.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kmapper::bench {

class GranuleTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit GranuleTable(std::size_t most) : entries_(std::bit_ceil(2 * most)) {}

  [[nodiscard]] static std::uint64_t hash_of(std::int64_t granule) {
    return static_cast<std::uint64_t>(granule) * 0x9E3779B97F4A7C15U;
  }
  [[nodiscard]] std::uint32_t find(std::int64_t granule) const {
    for (std::size_t at = begin_of(granule);; at = next(at)) {
      if (entries_[at].granule == granule) return entries_[at].buffer;
      if (entries_[at].granule == kFree) return kNone;
    }
  }
  void add(std::int64_t granule, std::uint32_t buffer) {
    std::size_t at = begin_of(granule);
    while (entries_[at].granule != kFree) at = next(at);
    entries_[at] = {granule, buffer};
  }
  /// Moves later entries of the run into the gap, so that lookups still find them.
  void remove(std::int64_t granule) {
    std::size_t gap = begin_of(granule);
    while (entries_[gap].granule != granule) gap = next(gap);
    for (std::size_t at = next(gap); entries_[at].granule != kFree; at = next(at)) {
      if (distance(begin_of(entries_[at].granule), at) < distance(gap, at)) continue;
      entries_[gap] = entries_[at];
      gap = at;
    }
    entries_[gap] = {};
  }

 private:
  static constexpr std::int64_t kFree = -1;
  struct Entry {
    std::int64_t granule = kFree;
    std::uint32_t buffer = kNone;
  };

  // The highest bits choose the shard.
  [[nodiscard]] std::size_t begin_of(std::int64_t granule) const {
    return static_cast<std::size_t>(hash_of(granule) >> 24) & (entries_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (entries_.size() - 1); }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const {
    return (to - from) & (entries_.size() - 1);
  }

  std::vector<Entry> entries_;
};

}  // namespace kmapper::bench
