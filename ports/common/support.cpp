// What a freestanding program brings along: text for the console, and the four functions that a
// compiler calls by itself. (GCC manual, 2.1: "GCC requires the freestanding environment provide
// memcpy, memmove, memset and memcmp".)
#include <stddef.h>
#include <stdint.h>

#include "machine.hpp"
#include "print.hpp"

namespace {

/// Keeps a compiler from seeing that the loop copies, and from calling memcpy() for it: in
/// memcpy().
inline void stay_a_loop(size_t& i) { asm("" : "+r"(i)); }

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    stay_a_loop(i);
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
  }
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  if (to <= from) return memcpy(to, from, size);
  for (size_t i = size; i-- > 0;) {
    stay_a_loop(i);
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
  }
  return to;
}

void* memset(void* to, int value, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    stay_a_loop(i);
    static_cast<char*>(to)[i] = static_cast<char>(value);
  }
  return to;
}

int memcmp(const void* one, const void* other, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    const int difference =
        static_cast<const unsigned char*>(one)[i] - static_cast<const unsigned char*>(other)[i];
    if (difference != 0) return difference;
  }
  return 0;
}
}

namespace port {

void print(const char* text) {
  for (; *text != 0; ++text) machine::put(*text);
}

void print(uint32_t number) {
  if (number >= 10) print(number / 10);
  machine::put(static_cast<char>('0' + number % 10));
}

void print_hex(const char* what, uint32_t number) {
  print(what);
  print("0x");
  for (int shift = 28; shift >= 0; shift -= 4)
    machine::put("0123456789abcdef"[number >> shift & 15]);
}

}  // namespace port
