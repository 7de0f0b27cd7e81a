/* Divisions that round. */
#ifndef KMAPPER_LINUX_MATH_H
#define KMAPPER_LINUX_MATH_H

#include <stdlib.h>

#ifndef DIV_ROUND_UP
#define DIV_ROUND_UP(number, by) (((number) + (by)-1) / (by))
#endif
#define DIV_ROUND_DOWN_ULL(number, by) ((unsigned long long)(number) / (by))
#define DIV_ROUND_UP_ULL(number, by) (((unsigned long long)(number) + (by)-1) / (by))
/* For numbers that are not negative. */
#define DIV_ROUND_CLOSEST(number, by) (((number) + (by) / 2) / (by))
/* To powers of two. */
#define round_up(number, to) ((((number)-1) | ((__typeof__(number))(to)-1)) + 1)
#define round_down(number, to) ((number) & ~((__typeof__(number))(to)-1))
#ifndef roundup
#define roundup(number, to) ((((number) + (to)-1) / (to)) * (to))
#endif
#define rounddown(number, to) ((number) - (number) % (to))
#define mult_frac(number, by, over) ((number) / (over) * (by) + (number) % (over) * (by) / (over))
#ifndef __cplusplus
#define abs(number)                            \
  __extension__({                              \
    __typeof__(number) kmapper_of = (number);  \
    kmapper_of < 0 ? -kmapper_of : kmapper_of; \
  })
#endif
#define abs_diff(a, b) ((a) < (b) ? (b) - (a) : (a) - (b))

#endif
