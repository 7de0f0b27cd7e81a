/* Hash values of `bits` bits, by the kernel's names. They are not the kernel's values. */
#ifndef KMAPPER_LINUX_HASH_H
#define KMAPPER_LINUX_HASH_H

#include "kmapper/linux/bits.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

KMAPPER_INLINE unsigned int hash_32(unsigned int value, unsigned int bits) {
  return (value * 0x9e3779b1u) >> (32 - bits);
}
KMAPPER_INLINE unsigned int hash_64(unsigned long long value, unsigned int bits) {
  return (unsigned int)((value * 0x9e3779b97f4a7c15ull) >> (64 - bits));
}
#define hash_long(value, bits) hash_64((unsigned long)(value), bits)
#define hash_ptr(pointer, bits) hash_64((unsigned long)(pointer), bits)
#define hash_min(value, bits)                                \
  (sizeof(value) <= 4 ? hash_32((unsigned int)(value), bits) \
                      : hash_64((unsigned long long)(value), bits))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
