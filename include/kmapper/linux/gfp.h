/* Allocation of pages in a process, by the names in the kernel's documentation: see
 * kmapper/linux/highmem.h. Flags that say how hard to try, or where a device needs its memory, are
 * accepted and change nothing. Their values are not the kernel's. */
#ifndef KMAPPER_LINUX_GFP_H
#define KMAPPER_LINUX_GFP_H

#include "kmapper/linux/mm_types.h"
#include "kmapper/linux/numa.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-using) */

#ifdef __cplusplus
extern "C" {
#endif

#define __GFP_HIGHMEM (1u << 0)
#define __GFP_ZERO (1u << 1)
#define __GFP_DIRECT_RECLAIM (1u << 2) /* may sleep */
#define __GFP_KSWAPD_RECLAIM (1u << 3)
#define __GFP_IO (1u << 4)
#define __GFP_FS (1u << 5)
#define __GFP_HIGH (1u << 6)
#define __GFP_MOVABLE (1u << 7)
#define __GFP_DMA (1u << 8)
#define __GFP_DMA32 (1u << 9)
#define __GFP_NOWARN (1u << 10)
#define __GFP_NORETRY (1u << 11)
#define __GFP_RETRY_MAYFAIL (1u << 12)
#define __GFP_NOFAIL (1u << 13)
#define __GFP_COMP (1u << 14)
#define __GFP_ACCOUNT (1u << 15)
#define __GFP_NOMEMALLOC (1u << 16)
#define __GFP_MEMALLOC (1u << 17)
#define __GFP_HARDWALL (1u << 18)
#define __GFP_THISNODE (1u << 19)
#define __GFP_WRITE (1u << 20)
#define __GFP_RECLAIMABLE (1u << 21)
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_DMA (__GFP_DMA)
#define GFP_DMA32 (__GFP_DMA32)
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)

/* Allocates 2^order contiguous pages, high ones first if `flags` have __GFP_HIGHMEM. Without
 * __GFP_ZERO they are full of 0xA5, so that no caller relies on zeros. NULL: there are none left,
 * or order is above 10. Flags that may sleep, in a kmap_atomic() section, are a mistake and are
 * reported. */
KMAPPER_API struct page* alloc_pages(gfp_t flags, unsigned int order) KMAPPER_LINUX(alloc_pages);
#define alloc_page(flags) alloc_pages(flags, 0)
#define alloc_pages_node(node, flags, order) alloc_pages(flags, order)
/* The same, as a folio: with __GFP_COMP. */
#define folio_alloc(flags, order) ((struct folio*)alloc_pages((flags) | __GFP_COMP, order))
/* Fills the entries of the array that are NULL with pages, and returns how many are not. */
KMAPPER_API unsigned long alloc_pages_bulk(gfp_t flags, unsigned long count, struct page** pages)
    KMAPPER_LINUX(alloc_pages_bulk);
#define alloc_pages_bulk_array(flags, count, pages) alloc_pages_bulk(flags, count, pages)
/* Gives back one count of what alloc_pages() returned, with the same order. With the last, the
 * pages are freed: they must not be mapped, locked, under writeback or with private data. Any
 * context. */
KMAPPER_API void __free_pages(struct page* page, unsigned int order) KMAPPER_LINUX(free_pages_of);
#define __free_page(page) __free_pages(page, 0)

/* Allocates 2^order low pages and returns their address; 0: there are none left. Refuses
 * __GFP_HIGHMEM, because a high page has no address: at compile time if the flags are constant,
 * else by a report and 0. */
KMAPPER_API unsigned long __get_free_pages(gfp_t flags, unsigned int order)
    KMAPPER_LINUX(get_free_pages);
/* Never called: a call of it does not compile. */
unsigned long kmapper_a_high_page_has_no_address(void)
    __attribute__((error("__get_free_pages with __GFP_HIGHMEM: a high page has no address")));
#define __get_free_pages(flags, order)                           \
  ((__builtin_constant_p(flags) && ((flags)&__GFP_HIGHMEM) != 0) \
       ? kmapper_a_high_page_has_no_address()                    \
       : (__get_free_pages)(flags, order))
#define __get_free_page(flags) __get_free_pages(flags, 0)
#define get_zeroed_page(flags) __get_free_pages((flags) | __GFP_ZERO, 0)
/* Frees what __get_free_pages() returned; 0: nothing. */
KMAPPER_API void free_pages(unsigned long address, unsigned int order) KMAPPER_LINUX(free_pages);
#define free_page(address) free_pages(address, 0)

/* Allocates low pages for `size` bytes, no more than these need, and returns their address; NULL:
 * there are none left. */
KMAPPER_API void* alloc_pages_exact(size_t size, gfp_t flags) KMAPPER_LINUX(alloc_pages_exact);
/* Frees what alloc_pages_exact() returned, with the same size. Any context. */
KMAPPER_API void free_pages_exact(void* address, size_t size) KMAPPER_LINUX(free_pages_exact);

#define gfpflags_allow_blocking(flags) (((flags)&__GFP_DIRECT_RECLAIM) != 0)
#define gfp_has_io_fs(flags) (((flags) & (__GFP_IO | __GFP_FS)) == (__GFP_IO | __GFP_FS))

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-using) */

#endif
