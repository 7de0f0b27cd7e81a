// The memory of pages that have lost their slots, as kmapper/core/remember.hpp has it: words of 32
// bits, each with the fingerprints of the last two pages that it was told. Two bytes for each page.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bench/replacement/policy.hpp"

namespace kmapper::bench {

class Ghost {
 public:
  enum class Found : std::uint8_t { no, of_main, of_probation };

  /// Remembers about so many pages; 0: none.
  explicit Ghost(std::uint32_t pages) : words_((pages + 1) / 2) {}

  void remember(TracePage page, bool on_probation) {
    if (words_.empty()) return;
    const std::uint64_t mixed = mix(page);
    std::uint32_t& word = word_of(mixed);
    word = (word << kBits) | print_of(mixed) | (on_probation ? kProbation : 0);
  }
  /// Whether the page is remembered, and which hand took its slot. Forgets it.
  [[nodiscard]] Found recall(TracePage page) {
    if (words_.empty()) return Found::no;
    const std::uint64_t mixed = mix(page);
    std::uint32_t& word = word_of(mixed);
    for (std::uint32_t shift = 0; shift < 32; shift += kBits) {
      const std::uint32_t seen = word >> shift;
      if ((seen & kPrint) != print_of(mixed)) continue;
      word &= ~(kProbation << shift) & ~(kPrint << shift);
      return (seen & kProbation) != 0 ? Found::of_probation : Found::of_main;
    }
    return Found::no;
  }

 private:
  static constexpr std::uint32_t kBits = 16;
  static constexpr std::uint32_t kProbation = 0x8000U;
  static constexpr std::uint32_t kPrint = 0x7FFFU;  // 0: none

  static std::uint64_t mix(TracePage page) {
    std::uint64_t mixed = (page + std::uint64_t{1}) * 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    return mixed ^ (mixed >> 32);
  }
  static std::uint32_t print_of(std::uint64_t mixed) {
    return std::max(static_cast<std::uint32_t>(mixed) & kPrint, 1U);
  }
  std::uint32_t& word_of(std::uint64_t mixed) {
    return words_[((mixed >> 32) * words_.size()) >> 32];
  }
  std::vector<std::uint32_t> words_;
};

}  // namespace kmapper::bench
