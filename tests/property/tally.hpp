// The players' operations, counted by kind, so that a test can print what it tried, and compare it
// with the mapper's counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace kmapper::simulated {

enum class Deed : std::uint8_t {
  kmap,
  try_kmap,
  kmap_for,
  kmap_until,
  mapping,
  kmap_all,
  reserve,
  kunmap,
  kunmap_address,
  hand_over,
  access,
  evict,
  evict_in_hurry,
  flush_all,
  scavenge_ahead,
  come_by,
  cancel,
  report,
  death,
  kCount,
};

[[nodiscard]] constexpr const char* name_of(Deed deed) {
  constexpr const char* kNames[] = {
      "kmap",
      "try_kmap",
      "kmap_for",
      "kmap_until, cancellable",
      "Mapping, moved and used",
      "kmap_all of 2 to 4 pages",
      "reserve 2 to 4 slots",
      "kunmap",
      "kunmap_address",
      "hand_over to another thread",
      "read, write and check a page",
      "evict, free and allocate",
      "the same with interrupts off",
      "flush_all_zero_pkmaps",
      "scavenge_ahead",
      "drop what was posted, or idle",
      "cancel",
      "report_holders and _waiters",
      "die holding pins",
  };
  static_assert(std::size(kNames) == static_cast<std::size_t>(Deed::kCount));
  return kNames[static_cast<std::size_t>(deed)];
}

/// Any thread may add.
class Tally {
 public:
  static constexpr std::size_t kDeeds = static_cast<std::size_t>(Deed::kCount);

  void add(Deed deed) {
    counts_[static_cast<std::size_t>(deed)].fetch_add(1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::array<std::uint64_t, kDeeds> counts() const {
    std::array<std::uint64_t, kDeeds> counts{};
    for (std::size_t i = 0; i < kDeeds; ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
    return counts;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kDeeds> counts_{};
};

}  // namespace kmapper::simulated
