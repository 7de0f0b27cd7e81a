/* Pages, their addresses and their counts in a process, by the names in the kernel's documentation:
 * see kmapper/linux/highmem.h. All of these may be called in any context. */
#ifndef KMAPPER_LINUX_MM_H
#define KMAPPER_LINUX_MM_H

#include <string.h>

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm_types.h"
#include "kmapper/linux/page-flags.h"
#include "kmapper/linux/preempt.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier) */

#define offset_in_page(address) ((unsigned long)(address) & ~PAGE_MASK)
#define PAGE_ALIGN(size) (((size) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALIGN_DOWN(size) ((size)&PAGE_MASK)
#define PAGE_ALIGNED(address) (offset_in_page(address) == 0)
#define PFN_UP(size) (((size) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(size) ((size) >> PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)
#define PHYS_PFN(address) ((unsigned long)((address) >> PAGE_SHIFT))

#ifdef __cplusplus
extern "C" {
#endif

/* --- Pages and addresses --- */

/* Whether the page is high: it has an address only while it is mapped. */
KMAPPER_API int PageHighMem(const struct page* page) KMAPPER_LINUX(PageHighMem);
/* A low page's address; a high page's while it is kmapped, else NULL. */
KMAPPER_API void* page_address(const struct page* page) KMAPPER_LINUX(page_address);
/* A low page's address. A high page is a mistake, also while it is kmapped. */
KMAPPER_API void* page_to_virt(const struct page* page) KMAPPER_LINUX(page_to_virt);
#define lowmem_page_address(page) page_to_virt(page)

KMAPPER_API unsigned long page_to_pfn(const struct page* page) KMAPPER_LINUX(page_to_pfn);
/* `pfn` must be the number of a page: see pfn_valid(). */
KMAPPER_API struct page* pfn_to_page(unsigned long pfn) KMAPPER_LINUX(pfn_to_page);
KMAPPER_API int pfn_valid(unsigned long pfn) KMAPPER_LINUX(pfn_valid);
/* The page of an address in low memory. Not for other addresses: see kmap_to_page(). */
KMAPPER_API struct page* virt_to_page(const void* address) KMAPPER_LINUX(virt_to_page);
KMAPPER_API bool kmapper_virt_addr_valid(const void* address) KMAPPER_LINUX(virt_addr_valid);
#define virt_addr_valid(address) kmapper_virt_addr_valid((const void*)(address))

#define nth_page(page, n) ((page) + (n))
#define page_to_phys(page) PFN_PHYS(page_to_pfn(page))
#define phys_to_page(address) pfn_to_page(PHYS_PFN(address))
#define virt_to_pfn(address) page_to_pfn(virt_to_page((const void*)(address)))
#define pfn_to_virt(pfn) page_to_virt(pfn_to_page(pfn))
#define virt_to_phys(address) (PFN_PHYS(virt_to_pfn(address)) + offset_in_page(address))
#define phys_to_virt(address) \
  ((void*)((char*)page_to_virt(phys_to_page(address)) + offset_in_page(address)))
#define __pa(address) virt_to_phys(address)
#define __va(address) phys_to_virt(address)

/* A low page of zeros that nobody may write to, and that is never freed. */
KMAPPER_API struct page* kmapper_zero_page(void) KMAPPER_LINUX(zero_page);
#define ZERO_PAGE(address) ((void)(address), kmapper_zero_page())
KMAPPER_API bool is_zero_pfn(unsigned long pfn) KMAPPER_LINUX(is_zero_pfn);

/* --- Counts: alloc_pages() returns a page with a count of 1; at 0 the page is freed --- */

KMAPPER_API void get_page(struct page* page) KMAPPER_LINUX(get_page);
KMAPPER_API void put_page(struct page* page) KMAPPER_LINUX(put_page);
/* False: the page is free. */
KMAPPER_API bool try_get_page(struct page* page) KMAPPER_LINUX(try_get_page);
KMAPPER_API int page_count(const struct page* page) KMAPPER_LINUX(page_count);
#define page_ref_count(page) page_count(page)

/* --- Compound pages: several in a row that were allocated together, with __GFP_COMP --- */

/* The first page of a compound page; a page that is in none is its own. */
KMAPPER_API struct page* kmapper_compound_head(const struct page* page)
    KMAPPER_LINUX(compound_head);
#define compound_head(page) kmapper_compound_head(page)
/* The order of a compound page, from its first page; 0: of another page. */
KMAPPER_API unsigned int compound_order(const struct page* page) KMAPPER_LINUX(compound_order);
/* Makes 2^order pages out of an allocation without __GFP_COMP: each has a count of its own. */
KMAPPER_API void split_page(struct page* page, unsigned int order) KMAPPER_LINUX(split_page);
#define compound_nr(page) (1UL << compound_order(page))
KMAPPER_INLINE unsigned long page_size(const struct page* page) {
  return PAGE_SIZE << compound_order(page);
}
KMAPPER_INLINE unsigned int page_shift(const struct page* page) {
  return PAGE_SHIFT + compound_order(page);
}
#define PageCompound(page) (PageHead(page) || PageTail(page))
#define PageHead(page) (compound_order(page) != 0)
#define PageTail(page) (compound_head(page) != (page))

/* --- Folios: a page that is in no compound page, or a compound page --- */

#define page_folio(page) ((struct folio*)compound_head(page))
#define virt_to_head_page(address) compound_head(virt_to_page(address))
#define virt_to_folio(address) page_folio(virt_to_page(address))
#define pfn_folio(pfn) page_folio(pfn_to_page(pfn))
#define folio_page(folio, n) (&(folio)->page + (n))
#define folio_page_idx(folio, page_in_it) ((size_t)((page_in_it) - &(folio)->page))
#define folio_order(folio) compound_order(&(folio)->page)
#define folio_nr_pages(folio) ((long)compound_nr(&(folio)->page))
#define folio_size(folio) page_size(&(folio)->page)
#define folio_shift(folio) page_shift(&(folio)->page)
#define folio_test_large(folio) (folio_order(folio) != 0)
#define folio_test_highmem(folio) (PageHighMem(&(folio)->page) != 0)
#define folio_pfn(folio) page_to_pfn(&(folio)->page)
#define folio_address(folio) page_address(&(folio)->page)
#define folio_ref_count(folio) page_count(&(folio)->page)
#define folio_get(folio) get_page(&(folio)->page)
#define folio_put(folio) put_page(&(folio)->page)
#define folio_try_get(folio) try_get_page(&(folio)->page)
#define offset_in_folio(folio, address) ((unsigned long)(address) & (folio_size(folio) - 1))

/* --- The bytes of a page that has an address. `address` is that of a page --- */

KMAPPER_INLINE void clear_page(void* address) { memset(address, 0, PAGE_SIZE); }
KMAPPER_INLINE void copy_page(void* to, const void* from) { memcpy(to, from, PAGE_SIZE); }

/* The least order whose pages have `size` bytes; of 0: the widest. */
KMAPPER_INLINE int get_order(unsigned long size) {
  int order = 0;
  if (size == 0) return (int)(8 * sizeof size) - PAGE_SHIFT;
  size = (size - 1) >> PAGE_SHIFT;
  for (; size != 0; size >>= 1) ++order;
  return order;
}

/* What these tell a CPU matters only to caches that a process does not see. */
KMAPPER_API void flush_dcache_page(struct page* page) KMAPPER_LINUX(flush_dcache_page);
#define flush_dcache_folio(folio) flush_dcache_page(&(folio)->page)
#define flush_anon_page(vma, page, address) flush_dcache_page(page)
#define flush_kernel_dcache_page(page) flush_dcache_page(page)

#define PAGE_KERNEL __extension__((pgprot_t){0})
#define PAGE_KERNEL_RO __extension__((pgprot_t){1})

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier) */

#endif
