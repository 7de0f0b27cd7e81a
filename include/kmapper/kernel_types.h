/* The types that a kernel written in C keeps in its own structures, or gets. All are valid when
 * zero, and need no call to make or to end them. kmapper_port.h includes this; kmapper/kernel.h has
 * the rest. */
#ifndef KMAPPER_KERNEL_TYPES_H
#define KMAPPER_KERNEL_TYPES_H

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

#include <stdbool.h>
#include <stdint.h>

/* page->virtual: 4 bytes in each page's descriptor, which only kmapper writes. Do not clear it when
 * the page is freed or allocated. */
typedef struct kmapper_cell {
  uint32_t value;
} kmapper_cell;

/* The most local mappings that a CPU holds at a time, for its thread and the interrupts on top. */
#define KMAPPER_LOCAL_DEPTH 32

/* The local mappings of one thread: a member of the thread's structure. 392 bytes or less where
 * pointers have 4 bytes. */
typedef struct kmapper_local_stack {
  uint32_t depth;
  const void* callers[KMAPPER_LOCAL_DEPTH];
  uint64_t kept[KMAPPER_LOCAL_DEPTH];
} kmapper_local_stack;

/* A misuse, or a notice. What does not apply is 0, NULL or KMAPPER_NO_SLOT. */
#define KMAPPER_NO_SLOT UINT32_MAX
struct kmapper_report {
  const char* what;   /* in a few words: "kunmap of a page that is not mapped" */
  const char* advice; /* what the author of the calling code should do */
  bool is_notice;     /* no mistake of the calling thread. Report it and return: interrupts may
                         be off and a lock held. After a misuse, the thread may be ended */
  uintptr_t page;     /* the kmapper_page */
  uint32_t slot;
  uintptr_t holder; /* the stamp of the thread that took the slot from idle, or waits */
  const void* address;
  const void* caller; /* in the calling code. Where a call is the last thing that a function does,
                         the compiler may jump, and this is the function's own caller */
  const void* mapped_at; /* the code that made the local mapping on top */
};

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#endif
