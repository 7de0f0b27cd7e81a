/* Locks that sleep, by the kernel's names. A mutex that the thread holds already, and an unlock by
 * another thread, are bugs: see kmapper/linux/bug.h. No signal interrupts a call. */
#ifndef KMAPPER_LINUX_MUTEX_H
#define KMAPPER_LINUX_MUTEX_H

#include <pthread.h>

#include "kmapper/linux/bug.h"
#include "kmapper/linux/lockdep.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct mutex {
  pthread_mutex_t kmapper_mutex;
  unsigned long kmapper_owner; /* a thread; 0: unlocked */
};
#define __MUTEX_INITIALIZER(name) \
  { PTHREAD_MUTEX_INITIALIZER, 0 }
#define DEFINE_MUTEX(name) struct mutex name = __MUTEX_INITIALIZER(name)

KMAPPER_INLINE void mutex_init(struct mutex* mutex) {
  pthread_mutex_init(&mutex->kmapper_mutex, NULL);
  mutex->kmapper_owner = 0;
}
#define mutex_destroy(mutex) ((void)pthread_mutex_destroy(&(mutex)->kmapper_mutex))
KMAPPER_INLINE bool kmapper_mutex_is_mine(const struct mutex* mutex) {
  return __atomic_load_n(&mutex->kmapper_owner, __ATOMIC_RELAXED) == (unsigned long)pthread_self();
}
KMAPPER_INLINE void kmapper_own(struct mutex* mutex) {
  __atomic_store_n(&mutex->kmapper_owner, (unsigned long)pthread_self(), __ATOMIC_RELAXED);
}
static __inline__ __attribute__((unused)) void kmapper_lock(struct mutex* mutex, const char* file,
                                                            int line) {
  if (kmapper_mutex_is_mine(mutex))
    kmapper_bug(file, line, "mutex_lock: the thread holds it already");
  pthread_mutex_lock(&mutex->kmapper_mutex);
  kmapper_own(mutex);
}
static __inline__ __attribute__((unused)) void kmapper_unlock(struct mutex* mutex, const char* file,
                                                              int line) {
  if (!kmapper_mutex_is_mine(mutex))
    kmapper_bug(file, line, "mutex_unlock: the thread does not hold it");
  __atomic_store_n(&mutex->kmapper_owner, 0, __ATOMIC_RELAXED);
  pthread_mutex_unlock(&mutex->kmapper_mutex);
}
KMAPPER_INLINE int mutex_trylock(struct mutex* mutex) {
  if (pthread_mutex_trylock(&mutex->kmapper_mutex) != 0) return 0;
  kmapper_own(mutex);
  return 1;
}
#define mutex_lock(mutex) (might_sleep(), kmapper_lock(mutex, __FILE__, __LINE__))
#define mutex_unlock(mutex) kmapper_unlock(mutex, __FILE__, __LINE__)
#define mutex_lock_nested(mutex, subclass) mutex_lock(mutex)
#define mutex_lock_interruptible(mutex) (mutex_lock(mutex), 0)
#define mutex_lock_killable(mutex) (mutex_lock(mutex), 0)
#define mutex_is_locked(mutex) (__atomic_load_n(&(mutex)->kmapper_owner, __ATOMIC_RELAXED) != 0)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
