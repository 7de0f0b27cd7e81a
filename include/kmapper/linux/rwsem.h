/* Locks that sleep, for many readers or one writer, by the kernel's names. The thread that locked
 * one unlocks it. */
#ifndef KMAPPER_LINUX_RWSEM_H
#define KMAPPER_LINUX_RWSEM_H

#include <pthread.h>

#include "kmapper/linux/bug.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct rw_semaphore {
  pthread_rwlock_t kmapper_lock;
};
#define __RWSEM_INITIALIZER(name) \
  { PTHREAD_RWLOCK_INITIALIZER }
#define DECLARE_RWSEM(name) struct rw_semaphore name = __RWSEM_INITIALIZER(name)
#define init_rwsem(semaphore) ((void)pthread_rwlock_init(&(semaphore)->kmapper_lock, NULL))
/* A lock that the thread holds for writing already would never be free. */
#define KMAPPER_RWSEM(call, semaphore, text) \
  (call(&(semaphore)->kmapper_lock) != 0 ? kmapper_bug(__FILE__, __LINE__, text) : (void)0)
#define down_read(semaphore) \
  (might_sleep(),            \
   KMAPPER_RWSEM(pthread_rwlock_rdlock, semaphore, "down_read: the thread holds it for writing"))
#define down_write(semaphore) \
  (might_sleep(),             \
   KMAPPER_RWSEM(pthread_rwlock_wrlock, semaphore, "down_write: the thread holds it for writing"))
#define down_read_killable(semaphore) (down_read(semaphore), 0)
#define down_write_killable(semaphore) (down_write(semaphore), 0)
#define down_read_trylock(semaphore) (pthread_rwlock_tryrdlock(&(semaphore)->kmapper_lock) == 0)
#define down_write_trylock(semaphore) (pthread_rwlock_trywrlock(&(semaphore)->kmapper_lock) == 0)
#define up_read(semaphore) ((void)pthread_rwlock_unlock(&(semaphore)->kmapper_lock))
#define up_write(semaphore) ((void)pthread_rwlock_unlock(&(semaphore)->kmapper_lock))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
