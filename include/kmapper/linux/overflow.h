/* Arithmetic that notices overflow. The size_ functions give SIZE_MAX then. */
#ifndef KMAPPER_LINUX_OVERFLOW_H
#define KMAPPER_LINUX_OVERFLOW_H

#include <stdint.h>

#include "kmapper/linux/container_of.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define check_add_overflow(a, b, result) __builtin_add_overflow(a, b, result)
#define check_sub_overflow(a, b, result) __builtin_sub_overflow(a, b, result)
#define check_mul_overflow(a, b, result) __builtin_mul_overflow(a, b, result)
KMAPPER_INLINE size_t size_mul(size_t a, size_t b) {
  size_t size;
  return __builtin_mul_overflow(a, b, &size) ? SIZE_MAX : size;
}
KMAPPER_INLINE size_t size_add(size_t a, size_t b) {
  size_t size;
  return __builtin_add_overflow(a, b, &size) ? SIZE_MAX : size;
}
#define array_size(a, b) size_mul(a, b)
#define array3_size(a, b, c) size_mul(size_mul(a, b), c)
#define flex_array_size(pointer, member, count) size_mul(count, sizeof((pointer)->member[0]))
#define struct_size(pointer, member, count) \
  size_add(sizeof(*(pointer)), flex_array_size(pointer, member, count))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
