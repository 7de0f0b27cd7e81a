/* Copies from and to user space, by the kernel's names. User space is the program's own memory,
 * except the first page, which nobody has. A copy may sleep, so it is a mistake in a section that
 * must not, unless page faults are off. */
#ifndef KMAPPER_LINUX_UACCESS_H
#define KMAPPER_LINUX_UACCESS_H

#include <errno.h>
#include <string.h>

#include "kmapper/linux/compiler.h"
#include "kmapper/linux/err.h"
#include "kmapper/linux/mm.h"
#include "kmapper/linux/preempt.h"
#include "kmapper/linux/slab.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define access_ok(pointer, size) \
  ((void)(size), (unsigned long)(const volatile void*)(pointer) >= PAGE_SIZE)
#define might_fault() might_sleep_if(!pagefault_disabled())

/* These return how many bytes were not copied: all, or 0. */
KMAPPER_INLINE unsigned long __must_check kmapper_copy_user(void* to, const void* from,
                                                            unsigned long size,
                                                            const void* in_user_space) {
  if (size == 0) return 0;
  if (!access_ok(in_user_space, size)) return size;
  memcpy(to, from, size);
  return 0;
}
KMAPPER_INLINE unsigned long __must_check __copy_to_user_inatomic(void __user* to, const void* from,
                                                                  unsigned long size) {
  return kmapper_copy_user(to, from, size, to);
}
KMAPPER_INLINE unsigned long __must_check __copy_from_user_inatomic(void* to,
                                                                    const void __user* from,
                                                                    unsigned long size) {
  return kmapper_copy_user(to, from, size, from);
}
KMAPPER_INLINE unsigned long __must_check copy_to_user(void __user* to, const void* from,
                                                       unsigned long size) {
  might_fault();
  return __copy_to_user_inatomic(to, from, size);
}
KMAPPER_INLINE unsigned long __must_check copy_from_user(void* to, const void __user* from,
                                                         unsigned long size) {
  might_fault();
  return __copy_from_user_inatomic(to, from, size);
}
KMAPPER_INLINE unsigned long __must_check clear_user(void __user* to, unsigned long size) {
  might_fault();
  if (size == 0) return 0;
  if (!access_ok(to, size)) return size;
  memset(to, 0, size);
  return 0;
}
#define __copy_to_user(to, from, size) copy_to_user(to, from, size)
#define __copy_from_user(to, from, size) copy_from_user(to, from, size)
#define __copy_from_user_inatomic_nocache(to, from, size) __copy_from_user_inatomic(to, from, size)
#define __clear_user(to, size) clear_user(to, size)

/* These return 0 or -EFAULT. */
#define get_user(variable, pointer) \
  (copy_from_user(&(variable), pointer, sizeof(*(pointer))) ? -EFAULT : 0)
#define put_user(value, pointer)                                               \
  __extension__({                                                              \
    const __typeof__(*(pointer)) kmapper_value = (value);                      \
    copy_to_user(pointer, &kmapper_value, sizeof kmapper_value) ? -EFAULT : 0; \
  })
#define __get_user(variable, pointer) get_user(variable, pointer)
#define __put_user(value, pointer) put_user(value, pointer)
#define copy_from_user_nofault(to, from, size) \
  (__copy_from_user_inatomic(to, from, size) ? -EFAULT : 0)
#define copy_to_user_nofault(to, from, size) (__copy_to_user_inatomic(to, from, size) ? -EFAULT : 0)

/* Copies text. Returns its length, at most `most`, or -EFAULT. */
KMAPPER_INLINE long strncpy_from_user(char* to, const char __user* from, long most) {
  long length = 0;
  might_fault();
  if (!access_ok(from, 1)) return -EFAULT;
  for (; length < most; ++length) {
    to[length] = from[length];
    if (to[length] == '\0') break;
  }
  return length;
}
/* With the end of the text; 0: it is not accessible. */
KMAPPER_INLINE long strnlen_user(const char __user* text, long most) {
  long length = 0;
  might_fault();
  if (!access_ok(text, 1)) return 0;
  while (length < most && text[length] != '\0') ++length;
  return length + 1;
}

/* A copy, for kfree(), or an error in a pointer. */
KMAPPER_INLINE void* memdup_user(const void __user* from, size_t size) {
  void* const copy = kmalloc(size, GFP_USER);
  if (!copy) return ERR_PTR(-ENOMEM);
  if (!copy_from_user(copy, from, size)) return copy;
  kfree(copy);
  return ERR_PTR(-EFAULT);
}
KMAPPER_INLINE void* memdup_user_nul(const void __user* from, size_t size) {
  char* const copy = (char*)kzalloc(size + 1, GFP_USER);
  if (!copy) return ERR_PTR(-ENOMEM);
  if (!copy_from_user(copy, from, size)) return copy;
  kfree(copy);
  return ERR_PTR(-EFAULT);
}

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
