/* Divisions of numbers of 64 bits. */
#ifndef KMAPPER_LINUX_MATH64_H
#define KMAPPER_LINUX_MATH64_H

#include "kmapper/linux/math.h"
#include "kmapper/linux/mm_types.h"

/* Divides the variable, and is the remainder. */
#define do_div(number, by)                                             \
  __extension__({                                                      \
    const unsigned int kmapper_rest = (unsigned int)((number) % (by)); \
    (number) /= (by);                                                  \
    kmapper_rest;                                                      \
  })
KMAPPER_INLINE unsigned long long div64_u64(unsigned long long number, unsigned long long by) {
  return number / by;
}
KMAPPER_INLINE long long div64_s64(long long number, long long by) { return number / by; }
KMAPPER_INLINE unsigned long long div_u64(unsigned long long number, unsigned int by) {
  return number / by;
}
KMAPPER_INLINE long long div_s64(long long number, int by) { return number / by; }
KMAPPER_INLINE unsigned long long div_u64_rem(unsigned long long number, unsigned int by,
                                              unsigned int* rest) {
  *rest = (unsigned int)(number % by);
  return number / by;
}

#endif
