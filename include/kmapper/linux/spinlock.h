/* Locks under which a thread must not sleep, by the kernel's names. Zeros are an unlocked lock. A
 * lock that the thread holds already, and an unlock by another thread, are bugs: see
 * kmapper/linux/bug.h. */
#ifndef KMAPPER_LINUX_SPINLOCK_H
#define KMAPPER_LINUX_SPINLOCK_H

#include <pthread.h>
#include <sched.h>

#include "kmapper/linux/bug.h"
#include "kmapper/linux/irqflags.h"
#include "kmapper/linux/lockdep.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

typedef struct spinlock {
  unsigned long kmapper_owner; /* a thread; 0: unlocked */
} spinlock_t;
typedef spinlock_t raw_spinlock_t;
#define __SPIN_LOCK_UNLOCKED(name) \
  { 0 }
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define DEFINE_RAW_SPINLOCK(name) DEFINE_SPINLOCK(name)

KMAPPER_INLINE void spin_lock_init(spinlock_t* lock) { lock->kmapper_owner = 0; }
KMAPPER_INLINE bool kmapper_try_spin(spinlock_t* lock) {
  unsigned long none = 0;
  return __atomic_compare_exchange_n(&lock->kmapper_owner, &none, (unsigned long)pthread_self(), 0,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
KMAPPER_INLINE bool kmapper_spin_is_mine(const spinlock_t* lock) {
  return __atomic_load_n(&lock->kmapper_owner, __ATOMIC_RELAXED) == (unsigned long)pthread_self();
}
static __inline__ __attribute__((unused)) void kmapper_spin(spinlock_t* lock, const char* file,
                                                            int line) {
  if (kmapper_spin_is_mine(lock)) kmapper_bug(file, line, "spin_lock: the thread holds it already");
  while (!kmapper_try_spin(lock)) sched_yield();
}
static __inline__ __attribute__((unused)) void kmapper_unspin(spinlock_t* lock, const char* file,
                                                              int line) {
  if (!kmapper_spin_is_mine(lock))
    kmapper_bug(file, line, "spin_unlock: the thread does not hold it");
  __atomic_store_n(&lock->kmapper_owner, 0, __ATOMIC_RELEASE);
}

#define spin_lock(lock) (preempt_disable(), kmapper_spin(lock, __FILE__, __LINE__))
#define spin_unlock(lock) (kmapper_unspin(lock, __FILE__, __LINE__), preempt_enable())
#define spin_trylock(lock) (preempt_disable(), kmapper_try_spin(lock) || (preempt_enable(), false))
#define spin_is_locked(lock) (__atomic_load_n(&(lock)->kmapper_owner, __ATOMIC_RELAXED) != 0)
#define assert_spin_locked(lock) BUG_ON(!kmapper_spin_is_mine(lock))
#define spin_lock_nested(lock, subclass) spin_lock(lock)
#define spin_lock_irq(lock) spin_lock(lock)
#define spin_unlock_irq(lock) spin_unlock(lock)
#define spin_trylock_irq(lock) spin_trylock(lock)
#define spin_lock_bh(lock) spin_lock(lock)
#define spin_unlock_bh(lock) spin_unlock(lock)
#define spin_trylock_bh(lock) spin_trylock(lock)
#define spin_lock_irqsave(lock, flags) ((void)((flags) = 0), spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), spin_unlock(lock))
#define spin_trylock_irqsave(lock, flags) ((flags) = 0, spin_trylock(lock))

#define raw_spin_lock_init(lock) spin_lock_init(lock)
#define raw_spin_lock(lock) spin_lock(lock)
#define raw_spin_unlock(lock) spin_unlock(lock)
#define raw_spin_trylock(lock) spin_trylock(lock)
#define raw_spin_lock_irq(lock) spin_lock(lock)
#define raw_spin_unlock_irq(lock) spin_unlock(lock)
#define raw_spin_lock_irqsave(lock, flags) spin_lock_irqsave(lock, flags)
#define raw_spin_unlock_irqrestore(lock, flags) spin_unlock_irqrestore(lock, flags)

/* Decrements the count, and locks if that makes it 0; whether it did. */
#define atomic_dec_and_lock(count, lock) \
  (spin_lock(lock), atomic_dec_and_test(count) || (spin_unlock(lock), false))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
