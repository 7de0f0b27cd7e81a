/* Locks for many readers or one writer, under which a thread must not sleep, by the kernel's names.
 * Zeros are an unlocked lock. A writer waits while there are readers, old or new. */
#ifndef KMAPPER_LINUX_RWLOCK_H
#define KMAPPER_LINUX_RWLOCK_H

#include <sched.h>

#include "kmapper/linux/irqflags.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

typedef struct {
  int kmapper_readers; /* -1: a writer */
} rwlock_t;
#define __RW_LOCK_UNLOCKED(name) \
  { 0 }
#define DEFINE_RWLOCK(name) rwlock_t name = __RW_LOCK_UNLOCKED(name)

KMAPPER_INLINE void rwlock_init(rwlock_t* lock) { lock->kmapper_readers = 0; }
KMAPPER_INLINE bool kmapper_try_read(rwlock_t* lock) {
  int readers = __atomic_load_n(&lock->kmapper_readers, __ATOMIC_RELAXED);
  return readers >= 0 && __atomic_compare_exchange_n(&lock->kmapper_readers, &readers, readers + 1,
                                                     0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
KMAPPER_INLINE bool kmapper_try_write(rwlock_t* lock) {
  int none = 0;
  return __atomic_compare_exchange_n(&lock->kmapper_readers, &none, -1, 0, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}
KMAPPER_INLINE void read_lock(rwlock_t* lock) {
  preempt_disable();
  while (!kmapper_try_read(lock)) sched_yield();
}
KMAPPER_INLINE void read_unlock(rwlock_t* lock) {
  __atomic_fetch_sub(&lock->kmapper_readers, 1, __ATOMIC_RELEASE);
  preempt_enable();
}
KMAPPER_INLINE void write_lock(rwlock_t* lock) {
  preempt_disable();
  while (!kmapper_try_write(lock)) sched_yield();
}
KMAPPER_INLINE void write_unlock(rwlock_t* lock) {
  __atomic_store_n(&lock->kmapper_readers, 0, __ATOMIC_RELEASE);
  preempt_enable();
}
#define read_lock_irq(lock) read_lock(lock)
#define read_unlock_irq(lock) read_unlock(lock)
#define write_lock_irq(lock) write_lock(lock)
#define write_unlock_irq(lock) write_unlock(lock)
#define read_lock_bh(lock) read_lock(lock)
#define read_unlock_bh(lock) read_unlock(lock)
#define write_lock_bh(lock) write_lock(lock)
#define write_unlock_bh(lock) write_unlock(lock)
#define read_lock_irqsave(lock, flags) ((void)((flags) = 0), read_lock(lock))
#define read_unlock_irqrestore(lock, flags) ((void)(flags), read_unlock(lock))
#define write_lock_irqsave(lock, flags) ((void)((flags) = 0), write_lock(lock))
#define write_unlock_irqrestore(lock, flags) ((void)(flags), write_unlock(lock))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
