/* The thread that runs, and its sleeps, by the kernel's names. No signal interrupts a call. */
#ifndef KMAPPER_LINUX_KERNEL_SCHED_H
#define KMAPPER_LINUX_KERNEL_SCHED_H

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "kmapper/linux/delay.h"
#include "kmapper/linux/jiffies.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* libc's syscall(). <unistd.h> would take names from kernel code: access, link, read, write. */
#ifdef __cplusplus
extern "C"
#endif
    long
    kmapper_syscall(long number, ...) __asm__("syscall");

struct task_struct {
  int pid;
  int tgid;
  unsigned int flags;
  char comm[16];
};
/* Made at the thread's first call. */
static __inline__ __attribute__((unused)) struct task_struct* get_current(void) {
  static __thread struct task_struct kmapper_task;
  if (kmapper_task.pid == 0) {
    kmapper_task.pid = (int)kmapper_syscall(SYS_gettid);
    kmapper_task.tgid = (int)kmapper_syscall(SYS_getpid);
    prctl(PR_GET_NAME, kmapper_task.comm);
  }
  return &kmapper_task;
}
/* A name in the headers of C++. */
#ifndef __cplusplus
#define current get_current()
#endif

#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define TASK_KILLABLE 3
#define set_current_state(state) ((void)(state))
#define __set_current_state(state) ((void)(state))
#define signal_pending(task) ((void)(task), 0)
#define fatal_signal_pending(task) ((void)(task), 0)
#define need_resched() 0
#define MAX_SCHEDULE_TIMEOUT ((long)(~0UL >> 1))

/* These may sleep. schedule() does not wait to be woken: it returns. */
#define schedule() (might_sleep(), (void)sched_yield())
KMAPPER_INLINE void yield(void) { schedule(); }
#define io_schedule() schedule()
#define schedule_timeout(ticks) \
  (might_sleep(), kmapper_delay((unsigned long long)(ticks) * (NSEC_PER_SEC / HZ)), 0L)
#define schedule_timeout_interruptible(ticks) schedule_timeout(ticks)
#define schedule_timeout_uninterruptible(ticks) schedule_timeout(ticks)
#define schedule_timeout_killable(ticks) schedule_timeout(ticks)

/* Sections in which allocations must not use file systems, or devices. They change nothing. */
#define memalloc_nofs_save() 0u
#define memalloc_nofs_restore(flags) ((void)(flags))
#define memalloc_noio_save() 0u
#define memalloc_noio_restore(flags) ((void)(flags))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
