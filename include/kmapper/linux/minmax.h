/* The least and the greatest. In C only those with a type in their names, and in_range(), because
 * the headers of C++ have functions of the other names. */
#ifndef KMAPPER_LINUX_MINMAX_H
#define KMAPPER_LINUX_MINMAX_H

#define min_t(type, a, b) KMAPPER_LEAST(type, a, b, <)
#define max_t(type, a, b) KMAPPER_LEAST(type, a, b, >)
#define KMAPPER_LEAST(type, a, b, compare)               \
  __extension__({                                        \
    type kmapper_a = (a);                                \
    type kmapper_b = (b);                                \
    kmapper_a compare kmapper_b ? kmapper_a : kmapper_b; \
  })
#define clamp_t(type, value, least, most) min_t(type, max_t(type, value, least), most)
#define clamp_val(value, least, most) clamp_t(__typeof__(value), value, least, most)
#define in_range(value, begin, length) ((value) - (begin) < (length))

#ifndef __cplusplus
/* Of two types: that of the sum. */
#define KMAPPER_LEAST_OF_TWO(a, b, compare)              \
  __extension__({                                        \
    __typeof__(a) kmapper_a = (a);                       \
    __typeof__(b) kmapper_b = (b);                       \
    kmapper_a compare kmapper_b ? kmapper_a : kmapper_b; \
  })
#define min(a, b) KMAPPER_LEAST_OF_TWO(a, b, <)
#define max(a, b) KMAPPER_LEAST_OF_TWO(a, b, >)
#define umin(a, b) min((a) + 0ULL, (b) + 0ULL)
#define umax(a, b) max((a) + 0ULL, (b) + 0ULL)
#define min3(a, b, c) min(min(a, b), c)
#define max3(a, b, c) max(max(a, b), c)
#define clamp(value, least, most) min(max(value, least), most)
#define min_not_zero(a, b)                                                               \
  __extension__({                                                                        \
    __typeof__(a) kmapper_x = (a);                                                       \
    __typeof__(b) kmapper_y = (b);                                                       \
    kmapper_x == 0 ? kmapper_y : kmapper_y == 0 ? kmapper_x : min(kmapper_x, kmapper_y); \
  })
#define swap(a, b)                 \
  do {                             \
    __typeof__(a) kmapper_a = (a); \
    (a) = (b);                     \
    (b) = kmapper_a;               \
  } while (0)
#endif
#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif

#endif
