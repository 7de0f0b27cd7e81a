/* Time in ticks of 10 ms, by the kernel's names. */
#ifndef KMAPPER_LINUX_JIFFIES_H
#define KMAPPER_LINUX_JIFFIES_H

#include <time.h>

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#ifndef HZ
#define HZ 100
#endif
#define MSEC_PER_SEC 1000L
#define USEC_PER_SEC 1000000L
#define NSEC_PER_SEC 1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define MAX_JIFFY_OFFSET ((~0UL >> 1) - 1)

static __inline__ __attribute__((unused)) unsigned long kmapper_jiffies(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (unsigned long)now.tv_sec * HZ + (unsigned long)now.tv_nsec / (NSEC_PER_SEC / HZ);
}
#define jiffies kmapper_jiffies()
#define get_jiffies_64() ((unsigned long long)kmapper_jiffies())
#define msecs_to_jiffies(milliseconds) (((unsigned long)(milliseconds)*HZ + 999) / 1000)
#define usecs_to_jiffies(microseconds) (((unsigned long)(microseconds) / 10 * HZ + 99999) / 100000)
#define jiffies_to_msecs(ticks) ((unsigned int)((ticks) * (1000 / HZ)))
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a) time_before(jiffies, a)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
