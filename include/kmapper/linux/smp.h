/* CPUs, by the kernel's names. A thread stands for a CPU, and has the number 0. */
#ifndef KMAPPER_LINUX_SMP_H
#define KMAPPER_LINUX_SMP_H

#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define NR_CPUS 1
#define smp_processor_id() 0
#define raw_smp_processor_id() 0
#define num_online_cpus() 1u
#define num_possible_cpus() 1u
#define get_cpu() (preempt_disable(), 0)
#define put_cpu() preempt_enable()

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
