/* Barriers, and atomic operations on any variable, by the kernel's names. */
#ifndef KMAPPER_LINUX_BARRIER_H
#define KMAPPER_LINUX_BARRIER_H

#include "kmapper/linux/compiler.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define mb() __sync_synchronize()
#define rmb() mb()
#define wmb() mb()
#define smp_mb() mb()
#define smp_rmb() mb()
#define smp_wmb() mb()
#define smp_mb__before_atomic() mb()
#define smp_mb__after_atomic() mb()
#define smp_store_mb(variable, value) (WRITE_ONCE(variable, value), mb())
#define smp_load_acquire(pointer) __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
#define smp_store_release(pointer, value) __atomic_store_n(pointer, value, __ATOMIC_RELEASE)
#define cpu_relax() barrier()

#define xchg(pointer, value) __atomic_exchange_n(pointer, value, __ATOMIC_SEQ_CST)
/* What the variable was; it is `to` only if that is `from`. */
#define cmpxchg(pointer, from, to)                                                                 \
  __extension__({                                                                                  \
    __typeof__(*(pointer)) kmapper_was = (from);                                                   \
    __atomic_compare_exchange_n(pointer, &kmapper_was, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    kmapper_was;                                                                                   \
  })
#define try_cmpxchg(pointer, from, to) \
  __atomic_compare_exchange_n(pointer, from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
