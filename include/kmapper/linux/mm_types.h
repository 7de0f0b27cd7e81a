/* Pages and folios in a process: see kmapper/linux/highmem.h. */
#ifndef KMAPPER_LINUX_MM_TYPES_H
#define KMAPPER_LINUX_MM_TYPES_H

#include <stddef.h>

#include "kmapper/export.h"
#include "kmapper/linux/kconfig.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

/* Gives the library's symbols a prefix, so that they do not clash with other parts of a program.
 * clang must not make one call out of two, because a report names the caller's line. */
#ifdef __clang__
#define KMAPPER_LINUX(name) __asm__("kmapper_linux_" #name) __attribute__((nomerge))
#else
#define KMAPPER_LINUX(name) __asm__("kmapper_linux_" #name)
#endif

/* For the short functions of these headers: a report then names the caller's line. */
#define KMAPPER_INLINE static __inline__ __attribute__((always_inline, unused, artificial))

/* The size of the pages here, on every machine. The machine's own pages may be larger. */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#elif PAGE_SHIFT != 12
#error "kmapper's pages have 4096 bytes: PAGE_SHIFT is 12, or not defined"
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#endif
#ifndef PAGE_MASK
#define PAGE_MASK (~(PAGE_SIZE - 1))
#endif

#ifndef __cplusplus
#include <stdbool.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned int gfp_t;
typedef unsigned long pgoff_t;
typedef unsigned long long phys_addr_t;
typedef struct {
  unsigned long pgprot;
} pgprot_t;

struct list_head {
  struct list_head *next, *prev;
};

struct address_space;
struct vm_area_struct;

/* `private` is a keyword of C++: there, page_private() and folio_get_private() read it. */
#ifdef __cplusplus
#define KMAPPER_PRIVATE private_data
#else
#define KMAPPER_PRIVATE private
#endif

/* The fields that code outside of the kernel's memory management uses. A new page has zeros in
 * them. The pages of one allocation are contiguous, so page + 1 is the next one. The first and the
 * last word belong to the library, which notices when they are overwritten. */
struct page {
  unsigned long kmapper_first;
  unsigned long flags; /* bits: PG_locked and the others of page-flags.h */
  struct list_head lru;
  struct address_space* mapping;
  pgoff_t index;
  unsigned long KMAPPER_PRIVATE;
  unsigned long kmapper_last;
};

/* A page, or several in a row that were allocated together. The fields are those of the first. */
__extension__ struct folio {
  __extension__ union {
    __extension__ struct {
      unsigned long kmapper_first;
      unsigned long flags;
      struct list_head lru;
      struct address_space* mapping;
      pgoff_t index;
      void* KMAPPER_PRIVATE;
      unsigned long kmapper_last;
    };
    struct page page;
  };
};

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#endif
