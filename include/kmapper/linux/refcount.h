/* Counts of references, by the kernel's names. A count that rises from 0, or falls below it, is
 * printed as a warning, with the place of the call in the source. */
#ifndef KMAPPER_LINUX_REFCOUNT_H
#define KMAPPER_LINUX_REFCOUNT_H

#include "kmapper/linux/atomic.h"
#include "kmapper/linux/bug.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

typedef struct refcount_struct {
  atomic_t refs;
} refcount_t;
#define REFCOUNT_INIT(value) \
  { ATOMIC_INIT(value) }

#define refcount_set(count, value) atomic_set(&(count)->refs, value)
#define refcount_read(count) atomic_read(&(count)->refs)
#define refcount_inc(count) ((void)(WARN_ON(atomic_fetch_add(1, &(count)->refs) <= 0)))
#define refcount_add(by, count) ((void)(WARN_ON(atomic_fetch_add(by, &(count)->refs) <= 0)))
#define refcount_dec(count) ((void)(WARN_ON(atomic_fetch_sub(1, &(count)->refs) <= 1)))
#define refcount_inc_not_zero(count) atomic_inc_not_zero(&(count)->refs)
#define refcount_sub_and_test(by, count)                                             \
  __extension__({                                                                    \
    const int kmapper_now = atomic_sub_return(by, &(count)->refs);                   \
    if (kmapper_now < 0) kmapper_warning(__FILE__, __LINE__, "refcount_t: below 0"); \
    kmapper_now == 0;                                                                \
  })
#define refcount_dec_and_test(count) refcount_sub_and_test(1, count)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
