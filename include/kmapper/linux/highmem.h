/* The kernel's high memory in a process, for C and C++: code that was written for kmap() compiles
 * against this, runs as a program, and shows on a 64-bit machine, where the kernel maps everything,
 * what it would do wrong on one of 32 bits.
 *
 *     #include "kmapper/linux/highmem.h"     (or, with -I .../include/kmapper, <linux/highmem.h>)
 *
 *     struct page *page = alloc_page(GFP_HIGHUSER);
 *     char *text = kmap_local_page(page);
 *     strcpy(text, "hello");
 *     kunmap_local(text);
 *     text[0] = 'j';
 *
 *     kmapper: use after kunmap_local: write to page 0x1400 ...; and then SIGSEGV, at the place
 *
 * A high page has addresses of its own, one for kmap() and one for kmap_local_page(), which admit
 * nobody while it is not mapped: no other page ever comes there, so that a use after kunmap always
 * faults. Low pages always have an address; but kmaps of them are counted, too. What is done wrong
 * is said in one line on standard error, with the page, the caller, and who mapped and unmapped the
 * page last. A fault then goes to the handler for SIGSEGV that was there at the first call, or to
 * the system; every other mistake ends in abort(), at the place.
 *
 * The machine has 16 MiB of low memory, 64 MiB of high memory, and 512 kmap slots; kmap() sleeps
 * while all are taken. The environment says otherwise: KMAPPER_LOW_PAGES, KMAPPER_HIGH_PAGES,
 * KMAPPER_SLOTS. It is read at the first call, for kernel code has no place to call an init
 * function from, and so that one program can be tried with 2 slots and with 512.
 *
 * Names and arguments are those of docs.kernel.org/mm/highmem.html and the pages that it points to.
 * Where one there is about preemption, interrupts or CPUs: a thread is all of these. After a fork()
 * the child shares the pages with its parent, and must leave them alone; no call of it waits for a
 * thread of the parent's.
 */
#ifndef KMAPPER_LINUX_HIGHMEM_H
#define KMAPPER_LINUX_HIGHMEM_H

/* NOLINTBEGIN(readability-identifier-naming,modernize-deprecated-headers) */

#include <stddef.h>

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- For as long as one needs it: until as many kunmap()s, by any thread --- */

/* Maps the page, at the same address for everybody. May sleep: a mistake in a kmap_atomic()
 * section; and a thread that holds another may wait for ever, of which a line tells. */
KMAPPER_API void* kmap(struct page* page) KMAPPER_LINUX(kmap);
KMAPPER_API void kunmap(const struct page* page) KMAPPER_LINUX(kunmap);
/* The page that is mapped at an address, or whose low memory it is. */
KMAPPER_API struct page* kmap_to_page(void* address) KMAPPER_LINUX(kmap_to_page);
/* There is nothing to do: no mapping outlives its last kunmap(). */
KMAPPER_API void kmap_flush_unused(void) KMAPPER_LINUX(kmap_flush_unused);

/* --- For a short access by this thread alone: last in, first out, at most 16 at once --- */

KMAPPER_API void* kmap_local_page(const struct page* page) KMAPPER_LINUX(kmap_local_page);
/* Any address within the page. */
KMAPPER_API void kunmap_local(const void* address) KMAPPER_LINUX(kunmap_local);
/* The same, and nothing in between may sleep. */
KMAPPER_API void* kmap_atomic(const struct page* page) KMAPPER_LINUX(kmap_atomic);
KMAPPER_API void kunmap_atomic(const void* address) KMAPPER_LINUX(kunmap_atomic);

/* --- Whole operations, for those who need no mapping of their own. Any context. What lies beyond
 * the page is a mistake
 * --- */

KMAPPER_API void copy_highpage(struct page* to, struct page* from) KMAPPER_LINUX(copy_highpage);
KMAPPER_API void clear_highpage(struct page* page) KMAPPER_LINUX(clear_highpage);
/* The address in user space, and its area, matter to caches that a process does not see. */
struct vm_area_struct;
KMAPPER_API void copy_user_highpage(struct page* to, struct page* from, unsigned long address,
                                    struct vm_area_struct* vma) KMAPPER_LINUX(copy_user_highpage);
KMAPPER_API void clear_user_highpage(struct page* page, unsigned long address)
    KMAPPER_LINUX(clear_user_highpage);

KMAPPER_API void memcpy_from_page(char* to, struct page* page, size_t offset, size_t length)
    KMAPPER_LINUX(memcpy_from_page);
KMAPPER_API void memcpy_to_page(struct page* page, size_t offset, const char* from, size_t length)
    KMAPPER_LINUX(memcpy_to_page);
KMAPPER_API void memcpy_page(struct page* to, size_t to_offset, struct page* from,
                             size_t from_offset, size_t length) KMAPPER_LINUX(memcpy_page);
KMAPPER_API void memset_page(struct page* page, size_t offset, int value, size_t length)
    KMAPPER_LINUX(memset_page);
KMAPPER_API void memzero_page(struct page* page, size_t offset, size_t length)
    KMAPPER_LINUX(memzero_page);

/* Bytes from `start` to before `end`. */
KMAPPER_API void zero_user_segments(struct page* page, unsigned start1, unsigned end1,
                                    unsigned start2, unsigned end2)
    KMAPPER_LINUX(zero_user_segments);
KMAPPER_API void zero_user_segment(struct page* page, unsigned start, unsigned end)
    KMAPPER_LINUX(zero_user_segment);
KMAPPER_API void zero_user(struct page* page, unsigned start, unsigned size)
    KMAPPER_LINUX(zero_user);

/* --- How much there is, in pages --- */

KMAPPER_API unsigned long nr_free_highpages(void) KMAPPER_LINUX(nr_free_highpages);
KMAPPER_API unsigned long totalhigh_pages(void) KMAPPER_LINUX(totalhigh_pages);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-deprecated-headers) */

#endif
