/* Arrays of bits as a whole, by the kernel's names. Not atomic. Bits behind the last one may
 * change. */
#ifndef KMAPPER_LINUX_BITMAP_H
#define KMAPPER_LINUX_BITMAP_H

#include <string.h>

#include "kmapper/linux/bitops.h"
#include "kmapper/linux/slab.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define bitmap_size(bits) (BITS_TO_LONGS(bits) * sizeof(unsigned long))
KMAPPER_INLINE unsigned long* bitmap_alloc(unsigned int bits, gfp_t flags) {
  return (unsigned long*)kmalloc(bitmap_size(bits), flags);
}
KMAPPER_INLINE unsigned long* bitmap_zalloc(unsigned int bits, gfp_t flags) {
  return (unsigned long*)kzalloc(bitmap_size(bits), flags);
}
KMAPPER_INLINE void bitmap_free(const unsigned long* words) { kfree(words); }

KMAPPER_INLINE void bitmap_zero(unsigned long* words, unsigned int bits) {
  memset(words, 0, bitmap_size(bits));
}
KMAPPER_INLINE void bitmap_fill(unsigned long* words, unsigned int bits) {
  memset(words, 0xff, bitmap_size(bits));
}
KMAPPER_INLINE void bitmap_copy(unsigned long* to, const unsigned long* from, unsigned int bits) {
  memcpy(to, from, bitmap_size(bits));
}
KMAPPER_INLINE void bitmap_set(unsigned long* words, unsigned int begin, unsigned int count) {
  for (; count > 0; --count, ++begin) __set_bit((long)begin, words);
}
KMAPPER_INLINE void bitmap_clear(unsigned long* words, unsigned int begin, unsigned int count) {
  for (; count > 0; --count, ++begin) __clear_bit((long)begin, words);
}
KMAPPER_INLINE unsigned int bitmap_weight(const unsigned long* words, unsigned int bits) {
  unsigned int weight = 0, i;
  for (i = 0; i < bits; ++i) weight += test_bit((long)i, words);
  return weight;
}
#define bitmap_empty(words, bits) (find_first_bit(words, bits) == (bits))
#define bitmap_full(words, bits) (find_first_zero_bit(words, bits) == (bits))

#define KMAPPER_BITMAP_OPERATION(name, value)                                                 \
  KMAPPER_INLINE void name(unsigned long* to, const unsigned long* a, const unsigned long* b, \
                           unsigned int bits) {                                               \
    unsigned int i;                                                                           \
    for (i = 0; i < BITS_TO_LONGS(bits); ++i) to[i] = value;                                  \
  }
KMAPPER_BITMAP_OPERATION(bitmap_and, a[i] & b[i])
KMAPPER_BITMAP_OPERATION(bitmap_or, a[i] | b[i])
KMAPPER_BITMAP_OPERATION(bitmap_xor, a[i] ^ b[i])
KMAPPER_BITMAP_OPERATION(bitmap_andnot, a[i] & ~b[i])

/* The first of `count` bits in a row that are 0, from `begin` on, where the bits of `mask` are 0 in
 * its number; at least `bits`: there are none. */
KMAPPER_INLINE unsigned long bitmap_find_next_zero_area(unsigned long* words, unsigned long bits,
                                                        unsigned long begin, unsigned int count,
                                                        unsigned long mask) {
  for (;;) {
    unsigned long end;
    begin = (find_next_zero_bit(words, bits, begin) + mask) & ~mask;
    if (begin + count > bits) return bits + 1;
    end = find_next_bit(words, begin + count, begin);
    if (end >= begin + count) return begin;
    begin = end + 1;
  }
}

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
