/* Readers without locks, by the kernel's names. Here the readers take a lock, which
 * synchronize_rcu() waits for. call_rcu() is left out: a program has no later time at which to
 * call. */
#ifndef KMAPPER_LINUX_RCUPDATE_H
#define KMAPPER_LINUX_RCUPDATE_H

#include <pthread.h>

#include "kmapper/linux/barrier.h"
#include "kmapper/linux/preempt.h"
#include "kmapper/linux/slab.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* One for the whole program. */
#ifdef __cplusplus
extern "C" {
#endif
extern pthread_rwlock_t kmapper_rcu;
__attribute__((weak)) pthread_rwlock_t kmapper_rcu = PTHREAD_RWLOCK_INITIALIZER;
#ifdef __cplusplus
}
#endif

#define rcu_read_lock() (preempt_disable(), (void)pthread_rwlock_rdlock(&kmapper_rcu))
#define rcu_read_unlock() ((void)pthread_rwlock_unlock(&kmapper_rcu), preempt_enable())
KMAPPER_INLINE void kmapper_synchronize_rcu(void) {
  pthread_rwlock_wrlock(&kmapper_rcu);
  pthread_rwlock_unlock(&kmapper_rcu);
}
/* May sleep. */
#define synchronize_rcu() (might_sleep(), kmapper_synchronize_rcu())
#define synchronize_rcu_expedited() synchronize_rcu()
#define kfree_rcu_mightsleep(object) (synchronize_rcu(), kfree(object))
#define kvfree_rcu_mightsleep(object) (synchronize_rcu(), kvfree(object))

#define rcu_access_pointer(pointer) READ_ONCE(pointer)
#define rcu_dereference(pointer) __atomic_load_n(&(pointer), __ATOMIC_ACQUIRE)
#define rcu_dereference_raw(pointer) rcu_dereference(pointer)
#define rcu_dereference_check(pointer, condition) rcu_dereference(pointer)
#define rcu_dereference_protected(pointer, condition) ((void)(condition), (pointer))
#define rcu_assign_pointer(pointer, value) __atomic_store_n(&(pointer), value, __ATOMIC_RELEASE)
#define RCU_INIT_POINTER(pointer, value) WRITE_ONCE(pointer, value)
#define rcu_read_lock_held() 1

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
