/* Counts of references in objects, by the kernel's names. */
#ifndef KMAPPER_LINUX_KREF_H
#define KMAPPER_LINUX_KREF_H

#include "kmapper/linux/refcount.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct kref {
  refcount_t refcount;
};
#define kref_init(kref) refcount_set(&(kref)->refcount, 1)
#define kref_read(kref) refcount_read(&(kref)->refcount)
#define kref_get(kref) refcount_inc(&(kref)->refcount)
#define kref_get_unless_zero(kref) refcount_inc_not_zero(&(kref)->refcount)
/* Whether it released the object. */
#define kref_put(kref, release) \
  (refcount_dec_and_test(&(kref)->refcount) ? ((release)(kref), 1) : 0)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
