/* Errors in pointers, and the errors that only kernels have. */
#ifndef KMAPPER_LINUX_ERR_H
#define KMAPPER_LINUX_ERR_H

#include <errno.h>

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define MAX_ERRNO 4095
#define IS_ERR_VALUE(value) ((unsigned long)(void*)(value) >= (unsigned long)-MAX_ERRNO)
KMAPPER_INLINE void* ERR_PTR(long error) { return (void*)error; }
KMAPPER_INLINE long PTR_ERR(const void* pointer) { return (long)pointer; }
KMAPPER_INLINE bool IS_ERR(const void* pointer) { return IS_ERR_VALUE(pointer); }
KMAPPER_INLINE bool IS_ERR_OR_NULL(const void* pointer) { return !pointer || IS_ERR(pointer); }
KMAPPER_INLINE void* ERR_CAST(const void* pointer) { return (void*)pointer; }
KMAPPER_INLINE int PTR_ERR_OR_ZERO(const void* pointer) {
  return IS_ERR(pointer) ? (int)PTR_ERR(pointer) : 0;
}

#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ENOIOCTLCMD 515
#define EPROBE_DEFER 517
#define EBADHANDLE 521
#define ENOTSUPP 524
#define EIOCBQUEUED 529

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
