/* Interrupts, by the kernel's names. A thread stands for a CPU, and there are no interrupts: with
 * them off, the thread must not sleep. */
#ifndef KMAPPER_LINUX_IRQFLAGS_H
#define KMAPPER_LINUX_IRQFLAGS_H

#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define local_irq_disable() preempt_disable()
#define local_irq_enable() preempt_enable()
#define local_irq_save(flags) (preempt_disable(), (void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags), preempt_enable())
#define local_bh_disable() preempt_disable()
#define local_bh_enable() preempt_enable()
#define irqs_disabled() in_atomic()
#define in_interrupt() 0
#define in_task() 1
#define in_irq() 0
#define in_hardirq() 0
#define in_softirq() 0

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
