/* Logarithms of integers to base 2, rounded down. */
#ifndef KMAPPER_LINUX_LOG2_H
#define KMAPPER_LINUX_LOG2_H

#include "kmapper/linux/bitops.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* Constant for a constant. */
#define ilog2(number) (63 - __builtin_clzll((unsigned long long)(number)))
#define is_power_of_2(number) ((number) != 0 && ((number) & ((number)-1)) == 0)
KMAPPER_INLINE unsigned long roundup_pow_of_two(unsigned long number) {
  return number <= 1 ? 1 : 1UL << fls_long(number - 1);
}
KMAPPER_INLINE unsigned long rounddown_pow_of_two(unsigned long number) {
  return 1UL << (fls_long(number) - 1);
}
KMAPPER_INLINE int order_base_2(unsigned long number) {
  return number <= 1 ? 0 : fls_long(number - 1);
}
#define const_ilog2(number) ilog2(number)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
