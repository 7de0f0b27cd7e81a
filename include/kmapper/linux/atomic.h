/* Atomic numbers, by the kernel's names. All operations that read and write are full barriers,
 * whatever the end of their names says; atomic_read() and atomic_set() are none. */
#ifndef KMAPPER_LINUX_ATOMIC_H
#define KMAPPER_LINUX_ATOMIC_H

#include "kmapper/linux/barrier.h"
#include "kmapper/linux/compiler.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

typedef struct {
  int counter;
} atomic_t;
typedef struct {
  long long counter;
} atomic64_t;
typedef struct {
  long counter;
} atomic_long_t;

#define ATOMIC_INIT(value) \
  { (value) }
#define ATOMIC64_INIT(value) ATOMIC_INIT(value)
#define ATOMIC_LONG_INIT(value) ATOMIC_INIT(value)

#define KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, operation)             \
  KMAPPER_INLINE void name##_##operation(number by, type* atomic) {              \
    __atomic_fetch_##operation(&atomic->counter, by, __ATOMIC_SEQ_CST);          \
  }                                                                              \
  KMAPPER_INLINE number name##_fetch_##operation(number by, type* atomic) {      \
    return __atomic_fetch_##operation(&atomic->counter, by, __ATOMIC_SEQ_CST);   \
  }                                                                              \
  KMAPPER_INLINE number name##_##operation##_return(number by, type* atomic) {   \
    return __atomic_##operation##_fetch(&atomic->counter, by, __ATOMIC_SEQ_CST); \
  }

#define KMAPPER_ATOMIC(name, type, number)                                                         \
  KMAPPER_INLINE number name##_read(const type* atomic) {                                          \
    return __atomic_load_n(&atomic->counter, __ATOMIC_RELAXED);                                    \
  }                                                                                                \
  KMAPPER_INLINE number name##_read_acquire(const type* atomic) {                                  \
    return __atomic_load_n(&atomic->counter, __ATOMIC_ACQUIRE);                                    \
  }                                                                                                \
  KMAPPER_INLINE void name##_set(type* atomic, number value) {                                     \
    __atomic_store_n(&atomic->counter, value, __ATOMIC_RELAXED);                                   \
  }                                                                                                \
  KMAPPER_INLINE void name##_set_release(type* atomic, number value) {                             \
    __atomic_store_n(&atomic->counter, value, __ATOMIC_RELEASE);                                   \
  }                                                                                                \
  KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, add)                                           \
  KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, sub)                                           \
  KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, and)                                           \
  KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, or)                                            \
  KMAPPER_ATOMIC_READ_AND_WRITE(name, type, number, xor)                                           \
  KMAPPER_INLINE void name##_inc(type* atomic) { name##_add(1, atomic); }                          \
  KMAPPER_INLINE void name##_dec(type* atomic) { name##_sub(1, atomic); }                          \
  KMAPPER_INLINE number name##_inc_return(type* atomic) { return name##_add_return(1, atomic); }   \
  KMAPPER_INLINE number name##_dec_return(type* atomic) { return name##_sub_return(1, atomic); }   \
  KMAPPER_INLINE number name##_fetch_inc(type* atomic) { return name##_fetch_add(1, atomic); }     \
  KMAPPER_INLINE number name##_fetch_dec(type* atomic) { return name##_fetch_sub(1, atomic); }     \
  KMAPPER_INLINE bool name##_inc_and_test(type* atomic) { return name##_inc_return(atomic) == 0; } \
  KMAPPER_INLINE bool name##_dec_and_test(type* atomic) { return name##_dec_return(atomic) == 0; } \
  KMAPPER_INLINE bool name##_sub_and_test(number by, type* atomic) {                               \
    return name##_sub_return(by, atomic) == 0;                                                     \
  }                                                                                                \
  KMAPPER_INLINE bool name##_add_negative(number by, type* atomic) {                               \
    return name##_add_return(by, atomic) < 0;                                                      \
  }                                                                                                \
  KMAPPER_INLINE number name##_xchg(type* atomic, number value) {                                  \
    return __atomic_exchange_n(&atomic->counter, value, __ATOMIC_SEQ_CST);                         \
  }                                                                                                \
  KMAPPER_INLINE number name##_cmpxchg(type* atomic, number from, number to) {                     \
    __atomic_compare_exchange_n(&atomic->counter, &from, to, 0, __ATOMIC_SEQ_CST,                  \
                                __ATOMIC_SEQ_CST);                                                 \
    return from;                                                                                   \
  }                                                                                                \
  KMAPPER_INLINE bool name##_try_cmpxchg(type* atomic, number* from, number to) {                  \
    return __atomic_compare_exchange_n(&atomic->counter, from, to, 0, __ATOMIC_SEQ_CST,            \
                                       __ATOMIC_SEQ_CST);                                          \
  }                                                                                                \
  /* Returns what it was; adds unless that is `unless`. */                                         \
  KMAPPER_INLINE number name##_fetch_add_unless(type* atomic, number by, number unless) {          \
    number was = name##_read(atomic);                                                              \
    while (was != unless && !name##_try_cmpxchg(atomic, &was, was + by)) {                         \
    }                                                                                              \
    return was;                                                                                    \
  }                                                                                                \
  KMAPPER_INLINE bool name##_add_unless(type* atomic, number by, number unless) {                  \
    return name##_fetch_add_unless(atomic, by, unless) != unless;                                  \
  }                                                                                                \
  KMAPPER_INLINE bool name##_inc_not_zero(type* atomic) {                                          \
    return name##_add_unless(atomic, 1, 0);                                                        \
  }                                                                                                \
  KMAPPER_INLINE number name##_dec_if_positive(type* atomic) {                                     \
    number was = name##_read(atomic);                                                              \
    while (was > 0 && !name##_try_cmpxchg(atomic, &was, was - 1)) {                                \
    }                                                                                              \
    return was - 1;                                                                                \
  }

KMAPPER_ATOMIC(atomic, atomic_t, int)
typedef long long kmapper_s64;
KMAPPER_ATOMIC(atomic64, atomic64_t, kmapper_s64)
KMAPPER_ATOMIC(atomic_long, atomic_long_t, long)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
