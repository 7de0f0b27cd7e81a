/* Pages and their addresses in a process, by the names in the kernel's documentation: see
 * kmapper/linux/highmem.h. */
#ifndef KMAPPER_LINUX_MM_H
#define KMAPPER_LINUX_MM_H

#include "kmapper/export.h"

/* NOLINTBEGIN(readability-identifier-naming) */

/* Gives the library's symbols a prefix, so that they do not clash with other parts of a program. */
#define KMAPPER_LINUX(name) __asm__("kmapper_linux_" #name)

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
#define offset_in_page(address) ((unsigned long)(address) & ~PAGE_MASK)

#ifdef __cplusplus
extern "C" {
#endif

/* Stands for a page and contains nothing: reading it faults, and is reported. The pages of one
 * allocation are contiguous, so page + 1 is the next one. */
struct page {
  unsigned char nothing[16];
};

/* Whether the page is high: it has an address only while it is mapped. */
KMAPPER_API int PageHighMem(const struct page* page) KMAPPER_LINUX(PageHighMem);
/* A low page's address; a high page's while it is kmapped, else NULL. Any context. */
KMAPPER_API void* page_address(const struct page* page) KMAPPER_LINUX(page_address);

KMAPPER_API unsigned long page_to_pfn(const struct page* page) KMAPPER_LINUX(page_to_pfn);
/* `pfn` must be the number of a page: see pfn_valid(). */
KMAPPER_API struct page* pfn_to_page(unsigned long pfn) KMAPPER_LINUX(pfn_to_page);
KMAPPER_API int pfn_valid(unsigned long pfn) KMAPPER_LINUX(pfn_valid);
/* The page of an address in low memory. Not for other addresses: see kmap_to_page(). */
KMAPPER_API struct page* virt_to_page(const void* address) KMAPPER_LINUX(virt_to_page);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
