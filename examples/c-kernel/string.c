// The four functions that the compiler may call in place of a loop or an assignment.
#include "kernel.h"

void* memcpy(void* to, const void* from, size_t size) {
  void* at = to;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  uint8_t* target = to;
  const uint8_t* source = from;
  if (target <= source || target >= source + size) return memcpy(to, from, size);
  target += size - 1, source += size - 1;
  asm volatile("std; rep movsb; cld" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
  return to;
}

void* memset(void* to, int byte, size_t size) {
  void* at = to;
  asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const uint8_t *a = left, *b = right;
  for (size_t i = 0; i < size; ++i)
    if (a[i] != b[i]) return a[i] - b[i];
  return 0;
}
