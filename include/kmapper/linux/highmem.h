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
 * A high page has an address of its own for kmap(), and one in each thread for kmap_local_page().
 * They are inaccessible while the page is not mapped, and no other page is ever mapped there, so a
 * use after kunmap always faults. So does an access beyond the end of a high page, where nothing is
 * ever mapped. Low pages have an address while they are allocated, and their kmaps are counted. A
 * mistake is reported in one line on standard error, with the page, the caller, and the calls that
 * last allocated, mapped, unmapped and freed the page. A fault then goes to the SIGSEGV handler
 * that was there at the first call, or to the system. Every other mistake ends in abort(), in the
 * call itself.
 *
 * The machine has 16 MiB of low memory, 64 MiB of high memory, and 512 kmap slots; kmap() sleeps
 * while all are taken. The program's environment can change that. It is read at the first call,
 * because kernel code has no place to call an init function from.
 *
 *     KMAPPER_LOW_PAGES, KMAPPER_HIGH_PAGES, KMAPPER_SLOTS    how many of each there are
 *     KMAPPER_LEAKS=1             at the end, what was not freed or unmapped is reported, with the
 *                                 calls that made it, and the process ends with status 1
 *     KMAPPER_CHECK=sampled       only one mapping in 200 becomes inaccessible again, which takes
 *                                 a hundredth of the time; sampled:N: one in N; full: all
 *
 * Names and arguments are those of docs.kernel.org/mm/highmem.html and the pages that it links to;
 * docs/KERNEL_NAMES.md lists them. Where these speak of preemption, interrupts or CPUs, a thread
 * stands for all of them. After a fork() the child shares the pages with its parent, and must not
 * use them; no call in the child waits for a thread of the parent.
 */
#ifndef KMAPPER_LINUX_HIGHMEM_H
#define KMAPPER_LINUX_HIGHMEM_H

/* NOLINTBEGIN(readability-identifier-naming) */

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm.h"
#include "kmapper/linux/preempt.h"
#include "kmapper/linux/vmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- For mappings of any length: until as many kunmap()s, by any thread --- */

/* Maps the page, at the same address for all threads. May sleep, so a call in a section that must
 * not sleep is a mistake. A thread that sleeps while it holds another mapping may wait for ever;
 * that is reported. */
KMAPPER_API void* kmap(struct page* page) KMAPPER_LINUX(kmap);
KMAPPER_API void kunmap(const struct page* page) KMAPPER_LINUX(kunmap);
/* The page that is mapped at an address, or the low page that has this address. */
KMAPPER_API struct page* kmap_to_page(void* address) KMAPPER_LINUX(kmap_to_page);
/* Does nothing: no mapping outlives its last kunmap(). */
KMAPPER_API void kmap_flush_unused(void) KMAPPER_LINUX(kmap_flush_unused);
/* Whether an address is one at which kmap() or kmap_local_page() maps high pages. Any context. */
KMAPPER_API bool is_kmap_addr(const void* address) KMAPPER_LINUX(is_kmap_addr);

/* --- For short accesses by one thread: last in, first out, at most 16 at once. Any context --- */

KMAPPER_API void* kmap_local_page(const struct page* page) KMAPPER_LINUX(kmap_local_page);
/* `address` may be anywhere in the page. */
KMAPPER_API void kunmap_local(const void* address) KMAPPER_LINUX(kunmap_local);
/* Maps the page of the folio in which the byte `offset` is, and returns that byte's address. The
 * other pages of the folio are not mapped. */
KMAPPER_API void* kmap_local_folio(const struct folio* folio, size_t offset)
    KMAPPER_LINUX(kmap_local_folio);
#define kmap_local_pfn(pfn) kmap_local_page(pfn_to_page(pfn))
/* `prot` changes nothing. */
#define kmap_local_page_prot(page, prot) ((void)(prot), kmap_local_page(page))
/* The same. The thread must not sleep until kunmap_atomic(). */
KMAPPER_API void* kmap_atomic(const struct page* page) KMAPPER_LINUX(kmap_atomic);
KMAPPER_API void kunmap_atomic(const void* address) KMAPPER_LINUX(kunmap_atomic);
#define kmap_atomic_pfn(pfn) kmap_atomic(pfn_to_page(pfn))
#define kmap_atomic_prot(page, prot) ((void)(prot), kmap_atomic(page))

/* --- Whole operations. Any context. A range beyond the page, or the folio, is a mistake --- */

KMAPPER_API void copy_highpage(struct page* to, struct page* from) KMAPPER_LINUX(copy_highpage);
KMAPPER_API void clear_highpage(struct page* page) KMAPPER_LINUX(clear_highpage);
/* The user-space address and its area matter only to caches that a process does not see. */
#define copy_user_highpage(to, from, address, vma) \
  ((void)(address), (void)(vma), copy_highpage(to, from))
#define clear_user_highpage(page, address) ((void)(address), clear_highpage(page))
/* These return 0: no memory has errors here. */
#define copy_mc_highpage(to, from) (copy_highpage(to, from), 0)
#define copy_mc_user_highpage(to, from, address, vma) \
  (copy_user_highpage(to, from, address, vma), 0)

KMAPPER_API void memcpy_from_page(char* to, struct page* page, size_t offset, size_t length)
    KMAPPER_LINUX(memcpy_from_page);
KMAPPER_API void memcpy_to_page(struct page* page, size_t offset, const char* from, size_t length)
    KMAPPER_LINUX(memcpy_to_page);
KMAPPER_API void memcpy_page(struct page* to, size_t to_offset, struct page* from,
                             size_t from_offset, size_t length) KMAPPER_LINUX(memcpy_page);
/* The ranges may overlap. */
KMAPPER_API void memmove_page(struct page* to, size_t to_offset, struct page* from,
                              size_t from_offset, size_t length) KMAPPER_LINUX(memmove_page);
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

KMAPPER_API void memcpy_from_folio(char* to, struct folio* folio, size_t offset, size_t length)
    KMAPPER_LINUX(memcpy_from_folio);
KMAPPER_API void memcpy_to_folio(struct folio* folio, size_t offset, const char* from,
                                 size_t length) KMAPPER_LINUX(memcpy_to_folio);
/* Copies from the byte `pos` of the folio's file to the end of `length` or of the page, and returns
 * how many bytes that were. */
KMAPPER_API size_t memcpy_from_file_folio(char* to, struct folio* folio, long long pos,
                                          size_t length) KMAPPER_LINUX(memcpy_from_file_folio);
KMAPPER_API void folio_zero_segments(struct folio* folio, size_t start1, size_t end1, size_t start2,
                                     size_t end2) KMAPPER_LINUX(folio_zero_segments);
KMAPPER_API void folio_zero_segment(struct folio* folio, size_t start, size_t end)
    KMAPPER_LINUX(folio_zero_segment);
KMAPPER_API void folio_zero_range(struct folio* folio, size_t start, size_t length)
    KMAPPER_LINUX(folio_zero_range);
/* Zeros the folio from `offset` to its end. `address` is where kmap_local_folio(folio, offset) has
 * mapped it; returns what the caller then passes to kunmap_local(). */
KMAPPER_API void* folio_zero_tail(struct folio* folio, size_t offset, void* address)
    KMAPPER_LINUX(folio_zero_tail);
/* Copies to the folio from `offset` on, and zeros what is behind. */
KMAPPER_API void folio_fill_tail(struct folio* folio, size_t offset, const char* from,
                                 size_t length) KMAPPER_LINUX(folio_fill_tail);
KMAPPER_API void folio_copy(struct folio* to, struct folio* from) KMAPPER_LINUX(folio_copy);
/* kunmap_local(), then folio_put(). */
#define folio_release_kmap(folio, address) (kunmap_local(address), folio_put(folio))
/* The user-space address and its area change nothing. */
#define vma_alloc_zeroed_movable_folio(vma, address) \
  ((void)(vma), (void)(address), folio_alloc(GFP_HIGHUSER_MOVABLE | __GFP_ZERO, 0))

/* --- How much there is, in pages --- */

KMAPPER_API unsigned long nr_free_highpages(void) KMAPPER_LINUX(nr_free_highpages);
KMAPPER_API unsigned long totalhigh_pages(void) KMAPPER_LINUX(totalhigh_pages);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
