// What an object's bytes are while nobody may use them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "linux/asan.hpp"

namespace kmapper::linux_face {

constexpr int kNew = 0xA5;
constexpr int kFreed = 0x6F;
constexpr int kTail = 0xC7;

/// How many bytes have this value, before the first other one.
[[nodiscard]] inline std::size_t equal_bytes(const std::byte* begin, std::size_t bytes, int value) {
  const std::byte* const end = begin + bytes;
  return static_cast<std::size_t>(
      std::find_if(begin, end, [&](std::byte it) { return std::to_integer<int>(it) != value; }) -
      begin);
}

}  // namespace kmapper::linux_face
