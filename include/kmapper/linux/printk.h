/* Messages, by the kernel's names: on standard error, without level and time. The kernel's own
 * letters behind %p print the pointer, then the letter. */
#ifndef KMAPPER_LINUX_PRINTK_H
#define KMAPPER_LINUX_PRINTK_H

#include <stdarg.h>
#include <stdio.h>

#include "kmapper/linux/kern_levels.h"
#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

static __inline__ __attribute__((unused, format(printf, 1, 0))) int vprintk(const char* format,
                                                                            va_list arguments) {
  if (format[0] == '\001' && format[1] != '\0') format += 2;
  return vfprintf(stderr, format, arguments);
}
static __inline__ __attribute__((unused, format(printf, 1, 2))) int _printk(const char* format,
                                                                            ...) {
  int written;
  va_list arguments;
  va_start(arguments, format);
  written = vprintk(format, arguments);
  va_end(arguments);
  return written;
}
#define printk _printk
#define printk_deferred _printk
/* Its arguments are checked, but not evaluated. */
#define no_printk(...)           \
  __extension__({                \
    if (0) _printk(__VA_ARGS__); \
    0;                           \
  })

/* A function, so that code may define a macro of this name later, as it does in a kernel before the
 * first header. */
#ifndef pr_fmt
static __inline__ __attribute__((unused, always_inline, format_arg(1))) const char* pr_fmt(
    const char* format) {
  return format;
}
#endif

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define pr_emerg(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_alert(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_crit(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_err(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_warn(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_notice(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_info(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#define pr_cont(format, ...) _printk(KERN_CONT format, ##__VA_ARGS__)
#ifdef DEBUG
#define pr_debug(format, ...) _printk(pr_fmt(format), ##__VA_ARGS__)
#else
#define pr_debug(format, ...) no_printk(pr_fmt(format), ##__VA_ARGS__)
#endif
#define pr_devel(format, ...) pr_debug(format, ##__VA_ARGS__)
#define pr_warn_once(format, ...) printk_once(pr_fmt(format), ##__VA_ARGS__)
#define pr_info_once(format, ...) printk_once(pr_fmt(format), ##__VA_ARGS__)
#define pr_err_once(format, ...) printk_once(pr_fmt(format), ##__VA_ARGS__)
#ifdef __clang__
#pragma clang diagnostic pop
#endif
#define pr_err_ratelimited pr_err
#define pr_warn_ratelimited pr_warn
#define pr_info_ratelimited pr_info
#define pr_notice_ratelimited pr_notice
#define pr_debug_ratelimited pr_debug
#define printk_ratelimited _printk
#define printk_ratelimit() 1

/* Whether this is the first time; from then on false. */
#define KMAPPER_ONCE()                                            \
  __extension__({                                                 \
    static int kmapper_done;                                      \
    __atomic_exchange_n(&kmapper_done, 1, __ATOMIC_RELAXED) == 0; \
  })
#define printk_once(...) ((void)(KMAPPER_ONCE() && _printk(__VA_ARGS__)))
/* The debugger shows the calls. */
#define dump_stack() ((void)_printk("dump_stack() at %s:%d\n", __FILE__, __LINE__))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
