// The records of a file, all of one size, and their order: by the bytes of their key, as memcmp()
// compares; records with equal keys stay in their original order.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kmapper::examples {

struct Records {
  std::size_t size;
  std::size_t key_begin;  // of the key, in the record
  std::size_t key_size;

  /// The key's first eight bytes as a number: enough for most comparisons.
  [[nodiscard]] std::uint64_t prefix(const std::byte* record) const {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, record + key_begin, std::min(key_size, sizeof bytes));
    return __builtin_bswap64(bytes);
  }
  /// Compares the keys' other bytes.
  [[nodiscard]] int compare_rest(const std::byte* a, const std::byte* b) const {
    if (key_size <= sizeof(std::uint64_t)) return 0;
    const std::size_t begin = key_begin + sizeof(std::uint64_t);
    return std::memcmp(a + begin, b + begin, key_size - sizeof(std::uint64_t));
  }
};

}  // namespace kmapper::examples
