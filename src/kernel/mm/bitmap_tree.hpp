// A set of small numbers that finds its least member in a few steps: a bitmap, above it a bitmap
// that marks the first one's nonzero words, and so on up to a single word. 2^30 numbers need six
// levels, and 3 % more memory than the bitmap alone.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kmapper::kernel {

class BitmapTree {
 public:
  using Word = std::uint32_t;

  constexpr BitmapTree() = default;

  /// The words of memory that a set of numbers below `size` needs.
  [[nodiscard]] static constexpr std::size_t words_needed(std::uint32_t size) {
    std::size_t sum = 0;
    do {
      size = words(size);
      sum += size;
    } while (size > 1);
    return sum;
  }

  /// An empty set of numbers below `size`, in words_needed(size) words that are zero.
  BitmapTree(std::uint32_t size, std::span<Word> memory) {
    Word* next = memory.data();
    do {
      levels_[height_++] = next;
      size = words(size);
      next += size;
    } while (size > 1);
  }

  [[nodiscard]] bool empty() const { return levels_[height_ - 1][0] == 0; }
  [[nodiscard]] bool contains(std::uint32_t number) const {
    return (levels_[0][number / kBits] >> number % kBits & 1) != 0;
  }
  /// Whether any of `count` numbers from `first` on is in the set. `count` is a power of two that
  /// divides `first`.
  [[nodiscard]] bool contains_any(std::uint32_t first, std::uint32_t count) const {
    const Word* const word = levels_[0] + first / kBits;
    if (count < kBits) return (*word >> first % kBits & ((Word{1} << count) - 1)) != 0;
    for (std::uint32_t i = 0; i < count / kBits; ++i) {
      if (word[i] != 0) return true;
    }
    return false;
  }

  /// The least member. The set must not be empty.
  [[nodiscard]] std::uint32_t least() const {
    std::uint32_t number = 0;
    for (std::size_t level = height_; level-- > 0;) {
      number =
          number * kBits + static_cast<std::uint32_t>(std::countr_zero(levels_[level][number]));
    }
    return number;
  }

  void add(std::uint32_t number) {
    for (std::size_t level = 0; level < height_; ++level, number /= kBits) {
      Word& word = levels_[level][number / kBits];
      const bool was_empty = word == 0;
      word |= Word{1} << number % kBits;
      if (!was_empty) return;
    }
  }

  void remove(std::uint32_t number) {
    for (std::size_t level = 0; level < height_; ++level, number /= kBits) {
      Word& word = levels_[level][number / kBits];
      word &= ~(Word{1} << number % kBits);
      if (word != 0) return;
    }
  }

 private:
  static constexpr std::uint32_t kBits = 32;
  static constexpr std::uint32_t words(std::uint32_t bits) {
    return bits == 0 ? 1 : (bits - 1) / kBits + 1;
  }

  std::array<Word*, 7> levels_{};  // the bitmap first; 7 levels for 2^32 numbers
  std::size_t height_ = 0;
};

}  // namespace kmapper::kernel
