/* Numbers at any address, by the kernel's names. */
#ifndef KMAPPER_LINUX_UNALIGNED_H
#define KMAPPER_LINUX_UNALIGNED_H

#include <string.h>

#include "kmapper/linux/kernel_byteorder.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define get_unaligned(pointer) \
  (((const struct { __typeof__(*(pointer)) value; } __attribute__((__packed__))*)(pointer))->value)
#define put_unaligned(number, pointer)                                                       \
  ((void)(((struct { __typeof__(*(pointer)) value; } __attribute__((__packed__))*)(pointer)) \
              ->value = (number)))

#define KMAPPER_UNALIGNED(order, bits)                                          \
  KMAPPER_INLINE __u##bits get_unaligned_##order##bits(const void* from) {      \
    __u##bits number;                                                           \
    memcpy(&number, from, sizeof number);                                       \
    return order##bits##_to_cpu(number);                                        \
  }                                                                             \
  KMAPPER_INLINE void put_unaligned_##order##bits(__u##bits number, void* to) { \
    number = cpu_to_##order##bits(number);                                      \
    memcpy(to, &number, sizeof number);                                         \
  }
KMAPPER_UNALIGNED(le, 16)
KMAPPER_UNALIGNED(le, 32)
KMAPPER_UNALIGNED(le, 64)
KMAPPER_UNALIGNED(be, 16)
KMAPPER_UNALIGNED(be, 32)
KMAPPER_UNALIGNED(be, 64)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
