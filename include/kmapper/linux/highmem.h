/* The kernel's high memory in a process, for C and C++. Code that was written for kmap() compiles
 * against this header and runs as a program. On a 64-bit machine, where the kernel maps everything,
 * it shows the mistakes that the code would make on a 32-bit machine.
 *
 *     #include "kmapper/linux/highmem.h"     (or, with -I .../include/kmapper, <linux/highmem.h>)
 *
 *     struct page *page = alloc_page(GFP_HIGHUSER);
 *     char *text = kmap_local_page(page);
 *     strcpy(text, "hello");
 *     kunmap_local(text);
 *     text[0] = 'j';
 *
 *     kmapper: use after kunmap_local: write to page 0x1400 ...; then SIGSEGV at that instruction
 *
 * A high page has two addresses of its own, one for kmap() and one for kmap_local_page(). They are
 * inaccessible while the page is not mapped, and no other page is ever mapped there, so a use after
 * kunmap always faults. Low pages always have an address, but their kmaps are counted, too. A
 * mistake is reported in one line on standard error, with the page, the caller, and the places that
 * mapped and unmapped the page last. A fault then goes to the SIGSEGV handler that was there at the
 * first call, or to the system. Every other mistake ends in abort(), in the call itself.
 *
 * The machine has 16 MiB of low memory, 64 MiB of high memory, and 512 kmap slots; kmap() sleeps
 * while all are taken. The environment variables KMAPPER_LOW_PAGES, KMAPPER_HIGH_PAGES and
 * KMAPPER_SLOTS change these numbers, so that one program can be tried with 2 slots and with 512.
 * They are read at the first call, because kernel code has no place to call an init function from.
 *
 * Names and arguments are those of docs.kernel.org/mm/highmem.html and the pages that it links to.
 * Where these speak of preemption, interrupts or CPUs, a thread stands for all of them. After a
 * fork() the child shares the pages with its parent, and must not use them; no call in the child
 * waits for a thread of the parent.
 */
#ifndef KMAPPER_LINUX_HIGHMEM_H
#define KMAPPER_LINUX_HIGHMEM_H

/* NOLINTBEGIN(readability-identifier-naming) */

#include <stddef.h>

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- For mappings of any length: until as many kunmap()s, by any thread --- */

/* Maps the page, at the same address for all threads. May sleep, so a call in a kmap_atomic()
 * section is a mistake. A thread that sleeps while it holds another mapping may wait for ever; that
 * is reported. */
KMAPPER_API void* kmap(struct page* page) KMAPPER_LINUX(kmap);
KMAPPER_API void kunmap(const struct page* page) KMAPPER_LINUX(kunmap);
/* The page that is mapped at an address, or the low page that has this address. */
KMAPPER_API struct page* kmap_to_page(void* address) KMAPPER_LINUX(kmap_to_page);
/* Does nothing: no mapping outlives its last kunmap(). */
KMAPPER_API void kmap_flush_unused(void) KMAPPER_LINUX(kmap_flush_unused);

/* --- For short accesses by one thread: last in, first out, at most 16 at once --- */

KMAPPER_API void* kmap_local_page(const struct page* page) KMAPPER_LINUX(kmap_local_page);
/* `address` may be anywhere in the page. */
KMAPPER_API void kunmap_local(const void* address) KMAPPER_LINUX(kunmap_local);
/* The same. The thread must not sleep until kunmap_atomic(). */
KMAPPER_API void* kmap_atomic(const struct page* page) KMAPPER_LINUX(kmap_atomic);
KMAPPER_API void kunmap_atomic(const void* address) KMAPPER_LINUX(kunmap_atomic);

/* --- Whole operations, without a mapping. Any context. A range beyond the page is a mistake --- */

KMAPPER_API void copy_highpage(struct page* to, struct page* from) KMAPPER_LINUX(copy_highpage);
KMAPPER_API void clear_highpage(struct page* page) KMAPPER_LINUX(clear_highpage);
/* The user-space address and its area matter only to caches that a process does not see. */
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

/* NOLINTEND(readability-identifier-naming) */

#endif
