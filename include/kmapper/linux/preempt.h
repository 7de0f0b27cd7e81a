/* Sections in which a thread must not sleep, by the kernel's names: see kmapper/linux/highmem.h.
 * They nest, and are the calling thread's own. A thread that ends in one is reported. */
#ifndef KMAPPER_LINUX_PREEMPT_H
#define KMAPPER_LINUX_PREEMPT_H

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-redundant-void-arg) */

#ifdef __cplusplus
extern "C" {
#endif

KMAPPER_API void preempt_disable(void) KMAPPER_LINUX(preempt_disable);
KMAPPER_API void preempt_enable(void) KMAPPER_LINUX(preempt_enable);
/* How many sections the thread is in: kmap_atomic() and preempt_disable(). */
KMAPPER_API int preempt_count(void) KMAPPER_LINUX(preempt_count);
#define preempt_enable_no_resched() preempt_enable()
#define in_atomic() (preempt_count() != 0)
#define preemptible() (preempt_count() == 0)

/* With page faults off, copies to and from user space fail instead of sleeping. */
KMAPPER_API void pagefault_disable(void) KMAPPER_LINUX(pagefault_disable);
KMAPPER_API void pagefault_enable(void) KMAPPER_LINUX(pagefault_enable);
/* Also true in a kmap_atomic() section. */
KMAPPER_API bool pagefault_disabled(void) KMAPPER_LINUX(pagefault_disabled);
#define faulthandler_disabled() (pagefault_disabled() || in_atomic())

/* For a function that may sleep: a call in a section that must not sleep is a mistake, and is
 * reported with the call that began the section. */
KMAPPER_API void might_sleep(void) KMAPPER_LINUX(might_sleep);
#define might_sleep_if(condition) ((condition) ? might_sleep() : (void)0)
/* Returns 0. */
KMAPPER_INLINE int cond_resched(void) {
  might_sleep();
  return 0;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-redundant-void-arg) */

#endif
