/* Text and bytes, by the kernel's names: what libc's <string.h> lacks. */
#ifndef KMAPPER_LINUX_KERNEL_STRING_H
#define KMAPPER_LINUX_KERNEL_STRING_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmapper/linux/mm.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* The first byte that is not `value`; NULL: there is none. */
static __inline__ __attribute__((unused)) void* memchr_inv(const void* from, int value,
                                                           size_t length) {
  const unsigned char* at = (const unsigned char*)from;
  for (; length > 0; --length, ++at) {
    if (*at != (unsigned char)value) return (void*)at;
  }
  return NULL;
}
#define memzero_explicit(to, length) \
  (memset(to, 0, length), __extension__({ __asm__ __volatile__("" ::: "memory"); }))

/* Copies as much as `size` bytes can have, and the end of the text. Returns its length, or -E2BIG.
 */
static __inline__ __attribute__((unused)) ssize_t kmapper_strscpy(char* to, const char* from,
                                                                  size_t size) {
  size_t length = 0;
  if (size == 0) return -E2BIG;
  for (; length < size - 1 && from[length] != '\0'; ++length) to[length] = from[length];
  to[length] = '\0';
  return from[length] == '\0' ? (ssize_t)length : -E2BIG;
}
static __inline__ __attribute__((unused)) ssize_t strscpy_pad(char* to, const char* from,
                                                              size_t size) {
  const ssize_t length = kmapper_strscpy(to, from, size);
  if (length >= 0) memset(to + length, 0, size - (size_t)length);
  return length;
}
/* Without a size: for an array. */
#define KMAPPER_STRSCPY_2(to, from) kmapper_strscpy(to, from, sizeof(to))
#define KMAPPER_STRSCPY_3(to, from, size) kmapper_strscpy(to, from, size)
#define KMAPPER_STRSCPY(a, b, c, name, ...) name
#define strscpy(...) \
  KMAPPER_STRSCPY(__VA_ARGS__, KMAPPER_STRSCPY_3, KMAPPER_STRSCPY_2, 0)(__VA_ARGS__)
KMAPPER_INLINE size_t kmapper_strlcpy(char* to, const char* from, size_t size) {
  kmapper_strscpy(to, from, size);
  return strlen(from);
}
#define strlcpy(to, from, size) kmapper_strlcpy(to, from, size)
#define str_has_prefix(text, prefix) \
  (strncmp(text, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0)

/* Return how many characters were written, without the end of the text. */
static __inline__ __attribute__((unused, format(printf, 3, 0))) int vscnprintf(char* to,
                                                                               size_t size,
                                                                               const char* format,
                                                                               va_list arguments) {
  const int length = vsnprintf(to, size, format, arguments);
  return (size_t)length < size ? length : size == 0 ? 0 : (int)size - 1;
}
static __inline__ __attribute__((unused, format(printf, 3, 4))) int scnprintf(char* to, size_t size,
                                                                              const char* format,
                                                                              ...) {
  int length;
  va_list arguments;
  va_start(arguments, format);
  length = vscnprintf(to, size, format, arguments);
  va_end(arguments);
  return length;
}
#define sysfs_emit(to, ...) scnprintf(to, PAGE_SIZE, __VA_ARGS__)

/* --- From text to numbers: 0, or -EINVAL or -ERANGE. The text may end in one newline --- */

KMAPPER_INLINE int kmapper_number_ends(const char* text, const char* end) {
  if (end == text) return -EINVAL;
  if (*end == '\n') ++end;
  return *end == '\0' ? 0 : -EINVAL;
}
#define KMAPPER_TO_NUMBER(name, type, wide, convert)                                      \
  static __inline__ __attribute__((unused)) int name(const char* text, unsigned int base, \
                                                     type* to) {                          \
    char* end;                                                                            \
    wide number;                                                                          \
    int error;                                                                            \
    if (*text == '-' && (wide)-1 > 0) return -EINVAL;                                     \
    errno = 0;                                                                            \
    number = convert(text, &end, (int)base);                                              \
    error = kmapper_number_ends(text, end);                                               \
    if (error) return error;                                                              \
    if (errno == ERANGE || (wide)(type)number != number) return -ERANGE;                  \
    *to = (type)number;                                                                   \
    return 0;                                                                             \
  }
typedef long long kmapper_wide;
typedef unsigned long long kmapper_unsigned_wide;
KMAPPER_TO_NUMBER(kstrtou8, unsigned char, kmapper_unsigned_wide, strtoull)
KMAPPER_TO_NUMBER(kstrtou16, unsigned short, kmapper_unsigned_wide, strtoull)
KMAPPER_TO_NUMBER(kstrtouint, unsigned int, kmapper_unsigned_wide, strtoull)
KMAPPER_TO_NUMBER(kstrtoint, int, kmapper_wide, strtoll)
KMAPPER_TO_NUMBER(kstrtoul, unsigned long, kmapper_unsigned_wide, strtoull)
KMAPPER_TO_NUMBER(kstrtol, long, kmapper_wide, strtoll)
KMAPPER_TO_NUMBER(kstrtoull, kmapper_unsigned_wide, kmapper_unsigned_wide, strtoull)
KMAPPER_TO_NUMBER(kstrtoll, kmapper_wide, kmapper_wide, strtoll)
#define kstrtou32(text, base, to) kstrtouint(text, base, to)
#define kstrtos32(text, base, to) kstrtoint(text, base, to)
#define kstrtou64(text, base, to) kstrtoull(text, base, to)
#define kstrtos64(text, base, to) kstrtoll(text, base, to)
#define simple_strtoul(text, end, base) strtoul(text, end, base)
#define simple_strtol(text, end, base) strtol(text, end, base)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
