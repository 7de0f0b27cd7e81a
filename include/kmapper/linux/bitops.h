/* Bits of arrays of unsigned long, by the kernel's names. set_bit() and the others without __ are
 * atomic, and full barriers. */
#ifndef KMAPPER_LINUX_BITOPS_H
#define KMAPPER_LINUX_BITOPS_H

#include <strings.h>

#include "kmapper/linux/bits.h"
#include "kmapper/linux/find.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* --- One bit --- */

KMAPPER_INLINE void set_bit(long bit, volatile unsigned long* words) {
  __atomic_fetch_or(&words[BIT_WORD(bit)], BIT_MASK(bit), __ATOMIC_SEQ_CST);
}
KMAPPER_INLINE void clear_bit(long bit, volatile unsigned long* words) {
  __atomic_fetch_and(&words[BIT_WORD(bit)], ~BIT_MASK(bit), __ATOMIC_SEQ_CST);
}
KMAPPER_INLINE void change_bit(long bit, volatile unsigned long* words) {
  __atomic_fetch_xor(&words[BIT_WORD(bit)], BIT_MASK(bit), __ATOMIC_SEQ_CST);
}
KMAPPER_INLINE bool test_bit(long bit, const volatile unsigned long* words) {
  return (__atomic_load_n(&words[BIT_WORD(bit)], __ATOMIC_RELAXED) & BIT_MASK(bit)) != 0;
}
/* These return what the bit was. */
KMAPPER_INLINE bool test_and_set_bit(long bit, volatile unsigned long* words) {
  return (__atomic_fetch_or(&words[BIT_WORD(bit)], BIT_MASK(bit), __ATOMIC_SEQ_CST) &
          BIT_MASK(bit)) != 0;
}
KMAPPER_INLINE bool test_and_clear_bit(long bit, volatile unsigned long* words) {
  return (__atomic_fetch_and(&words[BIT_WORD(bit)], ~BIT_MASK(bit), __ATOMIC_SEQ_CST) &
          BIT_MASK(bit)) != 0;
}
KMAPPER_INLINE bool test_and_change_bit(long bit, volatile unsigned long* words) {
  return (__atomic_fetch_xor(&words[BIT_WORD(bit)], BIT_MASK(bit), __ATOMIC_SEQ_CST) &
          BIT_MASK(bit)) != 0;
}
#define test_bit_acquire(bit, words) test_bit(bit, words)
#define test_and_set_bit_lock(bit, words) test_and_set_bit(bit, words)
#define clear_bit_unlock(bit, words) clear_bit(bit, words)

KMAPPER_INLINE void __set_bit(long bit, volatile unsigned long* words) {
  words[BIT_WORD(bit)] = words[BIT_WORD(bit)] | BIT_MASK(bit);
}
KMAPPER_INLINE void __clear_bit(long bit, volatile unsigned long* words) {
  words[BIT_WORD(bit)] = words[BIT_WORD(bit)] & ~BIT_MASK(bit);
}
KMAPPER_INLINE void __change_bit(long bit, volatile unsigned long* words) {
  words[BIT_WORD(bit)] = words[BIT_WORD(bit)] ^ BIT_MASK(bit);
}
KMAPPER_INLINE bool __test_and_set_bit(long bit, volatile unsigned long* words) {
  const bool was = test_bit(bit, words);
  __set_bit(bit, words);
  return was;
}
KMAPPER_INLINE bool __test_and_clear_bit(long bit, volatile unsigned long* words) {
  const bool was = test_bit(bit, words);
  __clear_bit(bit, words);
  return was;
}
KMAPPER_INLINE void assign_bit(long bit, volatile unsigned long* words, bool value) {
  if (value)
    set_bit(bit, words);
  else
    clear_bit(bit, words);
}
KMAPPER_INLINE void __assign_bit(long bit, volatile unsigned long* words, bool value) {
  if (value)
    __set_bit(bit, words);
  else
    __clear_bit(bit, words);
}

/* --- In one number. ffs() of libc and fls() count from 1, __ffs() and __fls() from 0 --- */

KMAPPER_INLINE int fls(unsigned int number) { return number == 0 ? 0 : 32 - __builtin_clz(number); }
KMAPPER_INLINE int fls64(unsigned long long number) {
  return number == 0 ? 0 : 64 - __builtin_clzll(number);
}
KMAPPER_INLINE int fls_long(unsigned long number) { return fls64(number); }
KMAPPER_INLINE unsigned long __ffs(unsigned long number) {
  return (unsigned long)__builtin_ctzl(number);
}
KMAPPER_INLINE unsigned long __fls(unsigned long number) {
  return (unsigned long)(BITS_PER_LONG - 1 - __builtin_clzl(number));
}
#define ffz(number) __ffs(~(number))
#define hweight8(number) ((unsigned int)__builtin_popcount((unsigned char)(number)))
#define hweight16(number) ((unsigned int)__builtin_popcount((unsigned short)(number)))
#define hweight32(number) ((unsigned int)__builtin_popcount(number))
#define hweight64(number) ((unsigned long)__builtin_popcountll(number))
#define hweight_long(number) ((unsigned long)__builtin_popcountl(number))

KMAPPER_INLINE unsigned int rol32(unsigned int word, unsigned int by) {
  return (word << (by & 31)) | (word >> (-by & 31));
}
KMAPPER_INLINE unsigned int ror32(unsigned int word, unsigned int by) {
  return (word >> (by & 31)) | (word << (-by & 31));
}
KMAPPER_INLINE unsigned long long rol64(unsigned long long word, unsigned int by) {
  return (word << (by & 63)) | (word >> (-by & 63));
}
KMAPPER_INLINE unsigned long long ror64(unsigned long long word, unsigned int by) {
  return (word >> (by & 63)) | (word << (-by & 63));
}

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
