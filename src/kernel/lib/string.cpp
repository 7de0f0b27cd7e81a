// Copies and fills use the string instructions, four bytes a step: on a CPU with fast strings,
// microcode moves whole cache lines, and only three registers are changed. The direction flag is
// clear at every call, as the i386 ABI requires; code that goes backwards uses plain loops.
//
// The empty asm in the plain loops keeps the compiler from replacing such a loop by a call of the
// function that contains it.
#include "kernel/lib/string.hpp"

#include <cstdint>

namespace {

// Words that may alias anything, at any address: i386 allows unaligned access.
using Word [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;
constexpr std::size_t kWord = sizeof(Word);

inline void keep_the_loop() { asm volatile("" ::: "memory"); }

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) noexcept {
  kmapper::kernel::copy_bytes(to, from, size);
  return to;
}

void* memset(void* to, int value, std::size_t size) noexcept {
  void* out = to;
  const std::uint32_t pattern = 0x01010101U * static_cast<std::uint8_t>(value);
  std::size_t words = size / kWord;
  std::size_t bytes = size % kWord;
  asm volatile("rep stosl" : "+D"(out), "+c"(words) : "a"(pattern) : "memory");
  asm volatile("rep stosb" : "+D"(out), "+c"(bytes) : "a"(pattern) : "memory");
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) noexcept {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  // One comparison for both "to lies before from" and "they do not overlap": the difference wraps.
  const auto distance =
      reinterpret_cast<std::uintptr_t>(out) - reinterpret_cast<std::uintptr_t>(in);
  if (distance >= size) return memcpy(to, from, size);
  for (; size >= kWord; size -= kWord) {
    *reinterpret_cast<Word*>(out + size - kWord) =
        *reinterpret_cast<const Word*>(in + size - kWord);
    keep_the_loop();
  }
  for (; size > 0; --size) {
    out[size - 1] = in[size - 1];
    keep_the_loop();
  }
  return to;
}

int memcmp(const void* a, const void* b, std::size_t size) noexcept {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  while (size >= kWord &&
         *reinterpret_cast<const Word*>(left) == *reinterpret_cast<const Word*>(right)) {
    left += kWord;
    right += kWord;
    size -= kWord;
    keep_the_loop();
  }
  for (; size > 0; --size, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
    keep_the_loop();
  }
  return 0;
}

void* memchr(const void* in, int value, std::size_t size) noexcept {
  const auto* byte = static_cast<const unsigned char*>(in);
  for (; size > 0; --size, ++byte) {
    if (*byte == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(byte);
    keep_the_loop();
  }
  return nullptr;
}

std::size_t strlen(const char* text) noexcept {
  std::size_t size = 0;
  while (text[size] != '\0') {
    ++size;
    keep_the_loop();
  }
  return size;
}

}  // extern "C"
