/* Bits that are set, or not, in arrays of unsigned long. \`bits\`: how many there are, which is
 * also what is returned if there is no such bit. */
#ifndef KMAPPER_LINUX_FIND_H
#define KMAPPER_LINUX_FIND_H

#include "kmapper/linux/bitops.h"
#include "kmapper/linux/bits.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

KMAPPER_INLINE unsigned long kmapper_find_bit(const unsigned long* words, unsigned long bits,
                                              unsigned long from, bool value) {
  while (from < bits) {
    unsigned long word = words[BIT_WORD(from)];
    if (!value) word = ~word;
    word &= BITMAP_FIRST_WORD_MASK(from);
    from &= ~(unsigned long)(BITS_PER_LONG - 1);
    if (word != 0) {
      from += (unsigned long)__builtin_ctzl(word);
      return from < bits ? from : bits;
    }
    from += BITS_PER_LONG;
  }
  return bits;
}
#define find_next_bit(words, bits, from) kmapper_find_bit(words, bits, from, true)
#define find_first_bit(words, bits) kmapper_find_bit(words, bits, 0, true)
#define find_next_zero_bit(words, bits, from) kmapper_find_bit(words, bits, from, false)
#define find_first_zero_bit(words, bits) kmapper_find_bit(words, bits, 0, false)
KMAPPER_INLINE unsigned long find_last_bit(const unsigned long* words, unsigned long bits) {
  unsigned long at = bits;
  while (at-- > 0) {
    if ((words[BIT_WORD(at)] & BIT_MASK(at)) != 0) return at;
  }
  return bits;
}
/* Bits of a bitmap on a disk, from the lowest bit of the first byte on: so are those in memory. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define KMAPPER_LE(words) ((unsigned long*)(words))
#define test_bit_le(bit, words) test_bit(bit, KMAPPER_LE(words))
#define set_bit_le(bit, words) set_bit(bit, KMAPPER_LE(words))
#define clear_bit_le(bit, words) clear_bit(bit, KMAPPER_LE(words))
#define test_and_set_bit_le(bit, words) test_and_set_bit(bit, KMAPPER_LE(words))
#define test_and_clear_bit_le(bit, words) test_and_clear_bit(bit, KMAPPER_LE(words))
#define __set_bit_le(bit, words) __set_bit(bit, KMAPPER_LE(words))
#define __clear_bit_le(bit, words) __clear_bit(bit, KMAPPER_LE(words))
#define __test_and_set_bit_le(bit, words) __test_and_set_bit(bit, KMAPPER_LE(words))
#define __test_and_clear_bit_le(bit, words) __test_and_clear_bit(bit, KMAPPER_LE(words))
#define find_next_bit_le(words, bits, from) find_next_bit(KMAPPER_LE(words), bits, from)
#define find_next_zero_bit_le(words, bits, from) find_next_zero_bit(KMAPPER_LE(words), bits, from)
#define find_first_zero_bit_le(words, bits) find_first_zero_bit(KMAPPER_LE(words), bits)
#endif

#define for_each_set_bit(bit, words, bits)                  \
  for ((bit) = find_first_bit(words, bits); (bit) < (bits); \
       (bit) = find_next_bit(words, bits, (bit) + 1))
#define for_each_set_bit_from(bit, words, bits)                 \
  for ((bit) = find_next_bit(words, bits, bit); (bit) < (bits); \
       (bit) = find_next_bit(words, bits, (bit) + 1))
#define for_each_clear_bit(bit, words, bits)                     \
  for ((bit) = find_first_zero_bit(words, bits); (bit) < (bits); \
       (bit) = find_next_zero_bit(words, bits, (bit) + 1))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
