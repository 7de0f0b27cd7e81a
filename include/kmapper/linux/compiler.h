/* Words that kernel code writes beside its declarations, and accesses that the compiler leaves as
 * they are: see kmapper/linux/kernel_stubs.h. What only checkers and linkers of the kernel read is
 * empty. */
#ifndef KMAPPER_LINUX_COMPILER_H
#define KMAPPER_LINUX_COMPILER_H

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

/* --- For sparse --- */
#define __user
#define __kernel
#define __iomem
#define __percpu
#define __rcu
#define __nocast
#define __chk_user_ptr(pointer) ((void)(pointer))
#define __chk_io_ptr(pointer) ((void)(pointer))
#define __acquires(lock)
#define __releases(lock)
#define __must_hold(lock)
#define __acquire(lock) ((void)0)
#define __release(lock) ((void)0)
#define __cond_lock(lock, condition) (condition)
/* These are also names in the headers of C++. */
#ifndef __cplusplus
#define __force
#define __private
#define __init
#define __exit
#define noinline __attribute__((__noinline__))
#define fallthrough __attribute__((__fallthrough__))
#endif

/* --- Where the linker puts it --- */
#define __initdata
#define __initconst
#define __exitdata
#define __read_mostly
#define __ro_after_init
#define __cacheline_aligned
#define ____cacheline_aligned
#define __cacheline_aligned_in_smp
#define ____cacheline_aligned_in_smp
#define __section(name)
#define __randomize_layout
#define randomized_struct_fields_start
#define randomized_struct_fields_end

/* --- Attributes --- */
#define __must_check __attribute__((__warn_unused_result__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#define __used __attribute__((__used__))
#define __packed __attribute__((__packed__))
#define __aligned(bytes) __attribute__((__aligned__(bytes)))
#define __cold __attribute__((__cold__))
#define __weak __attribute__((__weak__))
#define __noreturn __attribute__((__noreturn__))
#define __printf(format, first) __attribute__((__format__(__printf__, format, first)))
#define __counted_by(member)
#define noinline_for_stack noinline
#define asmlinkage
#define notrace
#define __sched
#define __visible
#define __no_sanitize_address __attribute__((__no_sanitize_address__))
#ifndef __always_inline
#define __always_inline __inline__ __attribute__((__always_inline__))
#endif
#ifndef __attribute_const__
#define __attribute_const__ __attribute__((__const__))
#endif

/* --- Accesses and branches --- */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define barrier() __asm__ __volatile__("" ::: "memory")
#define READ_ONCE(variable) (*(const volatile __typeof__(variable)*)&(variable))
#define WRITE_ONCE(variable, value) ((void)(*(volatile __typeof__(variable)*)&(variable) = (value)))
#define data_race(expression) (expression)
#define unreachable() __builtin_unreachable()
#define OPTIMIZER_HIDE_VAR(variable) __asm__("" : "=r"(variable) : "0"(variable))
#define RELOC_HIDE(pointer, offset) \
  ((__typeof__(pointer))((unsigned long)(pointer) + (unsigned long)(offset)))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
