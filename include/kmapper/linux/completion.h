/* Waits for an event, by the kernel's names. */
#ifndef KMAPPER_LINUX_COMPLETION_H
#define KMAPPER_LINUX_COMPLETION_H

#include <pthread.h>
#include <time.h>

#include "kmapper/linux/jiffies.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct completion {
  unsigned int done;
  pthread_mutex_t kmapper_mutex;
  pthread_cond_t kmapper_condition;
};
#define COMPLETION_INITIALIZER(name) \
  { 0, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER }
#define COMPLETION_INITIALIZER_ONSTACK(name) COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION(name) struct completion name = COMPLETION_INITIALIZER(name)
#define DECLARE_COMPLETION_ONSTACK(name) DECLARE_COMPLETION(name)

KMAPPER_INLINE void init_completion(struct completion* event) {
  event->done = 0;
  pthread_mutex_init(&event->kmapper_mutex, NULL);
  pthread_cond_init(&event->kmapper_condition, NULL);
}
#define reinit_completion(event) ((void)((event)->done = 0))

static __inline__ __attribute__((unused)) void kmapper_complete(struct completion* event,
                                                                bool all) {
  pthread_mutex_lock(&event->kmapper_mutex);
  if (all)
    event->done = ~0u;
  else if (event->done != ~0u)
    event->done++;
  pthread_cond_broadcast(&event->kmapper_condition);
  pthread_mutex_unlock(&event->kmapper_mutex);
}
/* `until`: NULL: without a limit. Whether the event came. */
static __inline__ __attribute__((unused)) bool kmapper_await(struct completion* event,
                                                             const struct timespec* until) {
  bool came;
  pthread_mutex_lock(&event->kmapper_mutex);
  while (event->done == 0) {
    const int error =
        until ? pthread_cond_timedwait(&event->kmapper_condition, &event->kmapper_mutex, until)
              : pthread_cond_wait(&event->kmapper_condition, &event->kmapper_mutex);
    if (error != 0) break;
  }
  came = event->done != 0;
  if (came && event->done != ~0u) event->done--;
  pthread_mutex_unlock(&event->kmapper_mutex);
  return came;
}
static __inline__ __attribute__((unused)) unsigned long kmapper_await_for(struct completion* event,
                                                                          unsigned long ticks) {
  struct timespec until;
  const unsigned long begin = jiffies;
  unsigned long used;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (time_t)(ticks / HZ);
  until.tv_nsec += (long)(ticks % HZ) * (NSEC_PER_SEC / HZ);
  if (until.tv_nsec >= NSEC_PER_SEC) {
    until.tv_nsec -= NSEC_PER_SEC;
    until.tv_sec++;
  }
  if (!kmapper_await(event, &until)) return 0;
  used = jiffies - begin;
  return used < ticks ? ticks - used : 1;
}
KMAPPER_INLINE void complete(struct completion* event) { kmapper_complete(event, false); }
KMAPPER_INLINE void complete_all(struct completion* event) { kmapper_complete(event, true); }
#define wait_for_completion(event) (might_sleep(), (void)kmapper_await(event, NULL))
#define wait_for_completion_io(event) wait_for_completion(event)
#define wait_for_completion_interruptible(event) (wait_for_completion(event), 0)
#define wait_for_completion_killable(event) (wait_for_completion(event), 0)
/* The ticks that are left, at least 1; 0: the time is over. */
#define wait_for_completion_timeout(event, ticks) (might_sleep(), kmapper_await_for(event, ticks))
KMAPPER_INLINE bool completion_done(struct completion* event) {
  return __atomic_load_n(&event->done, __ATOMIC_ACQUIRE) != 0;
}
static __inline__ __attribute__((unused)) bool try_wait_for_completion(struct completion* event) {
  const struct timespec over = {0, 0};
  return kmapper_await(event, &over);
}

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
