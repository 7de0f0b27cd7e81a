// The memory of pages that have lost their slots, as the mapper could have it: buckets of one cache
// line, in each a FIFO of fingerprints. Two bytes for each page that is remembered.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/replacement/policy.hpp"

namespace kmapper::bench {

class Ghost {
 public:
  enum class Found : std::uint8_t { no, of_main, of_probation };

  /// Remembers about so many pages; 0: none.
  explicit Ghost(std::uint32_t pages) : buckets_((pages + kWays - 1) / kWays) {}

  void remember(TracePage page, bool on_probation) {
    if (buckets_.empty()) return;
    const std::uint64_t mixed = mix(page);
    Bucket& bucket = bucket_of(mixed);
    bucket.print[bucket.next] = print_of(mixed) | (on_probation ? kProbation : 0);
    bucket.next = static_cast<std::uint16_t>((bucket.next + 1) % kWays);
  }
  /// Whether the page is remembered, and which hand took its slot. Forgets it.
  [[nodiscard]] Found recall(TracePage page) {
    if (buckets_.empty()) return Found::no;
    const std::uint64_t mixed = mix(page);
    for (std::uint16_t& print : bucket_of(mixed).print) {
      if ((print & kPrint) != print_of(mixed)) continue;
      return (std::exchange(print, 0) & kProbation) != 0 ? Found::of_probation : Found::of_main;
    }
    return Found::no;
  }

 private:
  static constexpr std::uint32_t kWays = 31;
  static constexpr std::uint16_t kProbation = 0x8000U;
  static constexpr std::uint16_t kPrint = 0x7FFFU;
  struct Bucket {
    std::uint16_t next = 0;
    std::array<std::uint16_t, kWays> print{};  // 0: none
  };
  static_assert(sizeof(Bucket) == 64);

  static std::uint64_t mix(TracePage page) {
    std::uint64_t mixed = (page + std::uint64_t{1}) * 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    return mixed ^ (mixed >> 32);
  }
  static std::uint16_t print_of(std::uint64_t mixed) {
    return static_cast<std::uint16_t>(std::max<std::uint64_t>(mixed & kPrint, 1));
  }
  Bucket& bucket_of(std::uint64_t mixed) {
    return buckets_[((mixed >> 32) * buckets_.size()) >> 32];
  }
  std::vector<Bucket> buckets_;
};

}  // namespace kmapper::bench
