/* The order of bytes in numbers, by the kernel's names. Constant for constants. */
#ifndef KMAPPER_LINUX_KERNEL_BYTEORDER_H
#define KMAPPER_LINUX_KERNEL_BYTEORDER_H

#include "kmapper/linux/kernel_types.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define KMAPPER_LITTLE(bits, number) ((__u##bits)(number))
#define KMAPPER_BIG(bits, number) __builtin_bswap##bits(number)
#else
#define KMAPPER_LITTLE(bits, number) __builtin_bswap##bits(number)
#define KMAPPER_BIG(bits, number) ((__u##bits)(number))
#endif

#define cpu_to_le16(number) KMAPPER_LITTLE(16, number)
#define cpu_to_le32(number) KMAPPER_LITTLE(32, number)
#define cpu_to_le64(number) KMAPPER_LITTLE(64, number)
#define le16_to_cpu(number) KMAPPER_LITTLE(16, number)
#define le32_to_cpu(number) KMAPPER_LITTLE(32, number)
#define le64_to_cpu(number) KMAPPER_LITTLE(64, number)
#define cpu_to_be16(number) KMAPPER_BIG(16, number)
#define cpu_to_be32(number) KMAPPER_BIG(32, number)
#define cpu_to_be64(number) KMAPPER_BIG(64, number)
#define be16_to_cpu(number) KMAPPER_BIG(16, number)
#define be32_to_cpu(number) KMAPPER_BIG(32, number)
#define be64_to_cpu(number) KMAPPER_BIG(64, number)

/* Of a number in memory. */
#define KMAPPER_IN_MEMORY(order, bits)                                               \
  KMAPPER_INLINE __u##bits order##bits##_to_cpup(const void* pointer) {              \
    return order##bits##_to_cpu(*(const __u##bits*)pointer);                         \
  }                                                                                  \
  KMAPPER_INLINE void order##bits##_add_cpu(void* pointer, __u##bits by) {           \
    __u##bits* number = (__u##bits*)pointer;                                         \
    *number = cpu_to_##order##bits((__u##bits)(order##bits##_to_cpu(*number) + by)); \
  }
KMAPPER_IN_MEMORY(le, 16)
KMAPPER_IN_MEMORY(le, 32)
KMAPPER_IN_MEMORY(le, 64)
KMAPPER_IN_MEMORY(be, 16)
KMAPPER_IN_MEMORY(be, 32)
KMAPPER_IN_MEMORY(be, 64)
#define swab16(number) __builtin_bswap16(number)
#define swab32(number) __builtin_bswap32(number)
#define swab64(number) __builtin_bswap64(number)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
