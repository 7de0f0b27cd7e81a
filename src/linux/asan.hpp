// Memory that nobody may access, for programs with AddressSanitizer.
#pragma once

#include <cstddef>

// There in a program with AddressSanitizer.
extern "C" {
// NOLINTBEGIN(readability-identifier-naming)
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* begin, std::size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* begin, std::size_t bytes);
// NOLINTEND(readability-identifier-naming)
}

namespace kmapper::linux_face {

/// From now on AddressSanitizer reports every access.
inline void forbid(const std::byte* begin, std::size_t bytes) {
  if (__asan_poison_memory_region != nullptr) __asan_poison_memory_region(begin, bytes);
}

inline void allow(const std::byte* begin, std::size_t bytes) {
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(begin, bytes);
}

}  // namespace kmapper::linux_face
