// A cache of pages by number, in high memory: it may hold more than the process has addresses for.
// A page takes 36 bytes of the process's own memory, and a mapping while it is used.
#pragma once

#include <cstdint>
#include <vector>

#include "kmapper/process/high_memory.hpp"

namespace kmapper::examples {

/// Lookups and what became of them. The cache does not know where the pages come from.
struct CacheCounts {
  std::uint64_t hits = 0, misses = 0, evictions = 0;
};

/// Keeps the pages that were used last. For one thread. Throws std::runtime_error if the system has
/// no memory for a page.
class PageCache {
 public:
  /// `pages`: how many it keeps, at most 2^32 - 2.
  PageCache(std::uint32_t pages, const process::Budget& budget);

  /// The page, mapped. An empty Mapping: the cache does not have it.
  [[nodiscard]] process::Mapping find(std::uint64_t number);
  /// A place for a page that the cache does not have, for the caller to fill: a new one, or that of
  /// the least recently used page.
  [[nodiscard]] process::Mapping insert(std::uint64_t number);
  /// Calls visit(number, mapping) for each page, from the most recently used to the least.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (std::uint32_t i = newest_; i != kNone; i = entries_[i].older)
      visit(entries_[i].number, map(entries_[i].page));
  }

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(entries_.size()); }
  [[nodiscard]] const CacheCounts& counts() const { return counts_; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Entry {
    std::uint64_t number;
    process::HighPage page;
    std::uint32_t newer, older;  // in the order of use
    std::uint32_t next_in_bucket;
  };

  [[nodiscard]] std::uint32_t& bucket_of(std::uint64_t number) {
    return buckets_[static_cast<std::size_t>((number * 0x9E3779B97F4A7C15U) >> shift_)];
  }
  [[nodiscard]] process::Mapping map(process::HighPage page);
  [[nodiscard]] std::uint32_t new_entry();
  [[nodiscard]] std::uint32_t evict_oldest();
  void take_out(std::uint32_t i);
  void put_first(std::uint32_t i);

  const std::uint32_t most_;
  process::HighMemory memory_;
  std::vector<Entry> entries_;
  int shift_;
  std::vector<std::uint32_t> buckets_;  // the first entry of each
  std::uint32_t newest_ = kNone, oldest_ = kNone;
  CacheCounts counts_;
};

}  // namespace kmapper::examples
