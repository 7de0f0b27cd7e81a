// The memory functions that compilers call on their own, and that any code may call. They are those
// of <string.h>, which a freestanding compiler does not provide.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
void* memcpy(void* to, const void* from, std::size_t size) noexcept;
void* memmove(void* to, const void* from, std::size_t size) noexcept;
void* memset(void* to, int value, std::size_t size) noexcept;
int memcmp(const void* a, const void* b, std::size_t size) noexcept;
void* memchr(const void* in, int value, std::size_t size) noexcept;
std::size_t strlen(const char* text) noexcept;
}

namespace kmapper::kernel {

/// memcpy, inline: for copies so small that a call would cost more.
inline void copy_bytes(void* to, const void* from, std::size_t size) {
  std::size_t words = size / sizeof(std::uint32_t);
  std::size_t bytes = size % sizeof(std::uint32_t);
  asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

}  // namespace kmapper::kernel
