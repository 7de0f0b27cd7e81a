/* Sleeps and waits, by the kernel's names. */
#ifndef KMAPPER_LINUX_DELAY_H
#define KMAPPER_LINUX_DELAY_H

#include <time.h>

#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

static __inline__ __attribute__((unused)) void kmapper_delay(unsigned long long nanoseconds) {
  struct timespec time;
  time.tv_sec = (time_t)(nanoseconds / 1000000000u);
  time.tv_nsec = (long)(nanoseconds % 1000000000u);
  nanosleep(&time, NULL);
}
#define msleep(milliseconds) (might_sleep(), kmapper_delay((milliseconds)*1000000ull))
#define msleep_interruptible(milliseconds) (msleep(milliseconds), 0ul)
#define ssleep(seconds) msleep((seconds)*1000ull)
#define usleep_range(least, most) (might_sleep(), (void)(most), kmapper_delay((least)*1000ull))
#define fsleep(microseconds) usleep_range(microseconds, microseconds)
/* Any context. */
#define ndelay(nanoseconds) kmapper_delay(nanoseconds)
#define udelay(microseconds) kmapper_delay((microseconds)*1000ull)
#define mdelay(milliseconds) kmapper_delay((milliseconds)*1000000ull)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
