/* Assertions, by the kernel's names. BUG() prints file and line, and aborts. WARN() prints, and
 * goes on. */
#ifndef KMAPPER_LINUX_BUG_H
#define KMAPPER_LINUX_BUG_H

#include <stdlib.h>

#include "kmapper/linux/build_bug.h"
#include "kmapper/linux/printk.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

static __inline__ __attribute__((unused, noreturn, cold)) void kmapper_bug(const char* file,
                                                                           int line,
                                                                           const char* condition) {
  _printk("kernel BUG at %s:%d%s%s\n", file, line, condition[0] ? ": " : "!", condition);
  abort();
}
static __inline__ __attribute__((unused, cold)) void kmapper_warning(const char* file, int line,
                                                                     const char* condition) {
  _printk("WARNING: at %s:%d%s%s\n", file, line, condition[0] ? ": " : "", condition);
}

#define BUG() kmapper_bug(__FILE__, __LINE__, "")
#define BUG_ON(condition)                                                                  \
  ((void)(__builtin_expect(!!(condition), 0) ? kmapper_bug(__FILE__, __LINE__, #condition) \
                                             : (void)0))
#define panic(...) (_printk(__VA_ARGS__), kmapper_bug(__FILE__, __LINE__, "panic"))

/* Each of these is whether the condition is true. */
#define KMAPPER_WARN(condition, prints)    \
  __extension__({                          \
    const int kmapper_is = !!(condition);  \
    if (__builtin_expect(kmapper_is, 0)) { \
      prints;                              \
    }                                      \
    kmapper_is;                            \
  })
#define WARN_ON(condition) KMAPPER_WARN(condition, kmapper_warning(__FILE__, __LINE__, #condition))
#define WARN(condition, ...) \
  KMAPPER_WARN(condition, (kmapper_warning(__FILE__, __LINE__, ""), (void)_printk(__VA_ARGS__)))
#define WARN_ON_ONCE(condition) \
  KMAPPER_WARN(condition, if (KMAPPER_ONCE()) kmapper_warning(__FILE__, __LINE__, #condition))
#define WARN_ONCE(condition, ...)                                                      \
  KMAPPER_WARN(condition, if (KMAPPER_ONCE())(kmapper_warning(__FILE__, __LINE__, ""), \
                                              (void)_printk(__VA_ARGS__)))
#define WARN_TAINT(condition, taint, ...) WARN(condition, __VA_ARGS__)

#define VM_BUG_ON(condition) BUG_ON(condition)
#define VM_BUG_ON_PAGE(condition, page) BUG_ON(condition)
#define VM_BUG_ON_FOLIO(condition, folio) BUG_ON(condition)
#define VM_WARN_ON(condition) ((void)WARN_ON(condition))
#define VM_WARN_ON_ONCE(condition) ((void)WARN_ON_ONCE(condition))
#define VM_WARN_ON_ONCE_PAGE(condition, page) WARN_ON_ONCE(condition)
#define VM_WARN_ON_ONCE_FOLIO(condition, folio) WARN_ON_ONCE(condition)
#define CHECK_DATA_CORRUPTION(condition, ...) WARN(condition, __VA_ARGS__)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
