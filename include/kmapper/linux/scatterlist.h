/* Lists of parts of memory, for devices, by the kernel's names: see kmapper/linux/highmem.h. An
 * entry may go on in the pages behind its first one. A list ends with an entry that is marked so; a
 * chain entry leads to another array. */
#ifndef KMAPPER_LINUX_SCATTERLIST_H
#define KMAPPER_LINUX_SCATTERLIST_H

#include <string.h>

#include "kmapper/linux/highmem.h"
#include "kmapper/linux/mm.h"
#include "kmapper/linux/slab.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KMAPPER_DMA_ADDR_T
#define KMAPPER_DMA_ADDR_T
typedef unsigned long long dma_addr_t;
#endif

struct scatterlist {
  unsigned long page_link; /* a page, or the next entry; and the bits below */
  unsigned int offset;
  unsigned int length;
  dma_addr_t dma_address;
  unsigned int dma_length;
};
#define SG_CHAIN 1UL
#define SG_END 2UL
#define SG_PAGE_LINK_MASK 3UL

/* --- One entry --- */

#define sg_dma_address(entry) ((entry)->dma_address)
#define sg_dma_len(entry) ((entry)->dma_length)
#define sg_is_chain(entry) (((entry)->page_link & SG_CHAIN) != 0)
#define sg_is_last(entry) (((entry)->page_link & SG_END) != 0)
#define sg_page(entry) ((struct page*)((entry)->page_link & ~SG_PAGE_LINK_MASK))
#define sg_chain_ptr(entry) ((struct scatterlist*)((entry)->page_link & ~SG_PAGE_LINK_MASK))
#define sg_phys(entry) (page_to_phys(sg_page(entry)) + (entry)->offset)
KMAPPER_INLINE void sg_assign_page(struct scatterlist* entry, struct page* page) {
  entry->page_link = (entry->page_link & SG_END) | (unsigned long)page;
}
KMAPPER_INLINE void sg_set_page(struct scatterlist* entry, struct page* page, unsigned int length,
                                unsigned int offset) {
  sg_assign_page(entry, page);
  entry->offset = offset;
  entry->length = length;
}
KMAPPER_INLINE void sg_set_folio(struct scatterlist* entry, struct folio* folio, size_t length,
                                 size_t offset) {
  sg_set_page(entry, &folio->page, (unsigned int)length, (unsigned int)offset);
}
/* For an address in low memory. */
KMAPPER_INLINE void sg_set_buf(struct scatterlist* entry, const void* address,
                               unsigned int length) {
  sg_set_page(entry, virt_to_page(address), length, (unsigned int)offset_in_page(address));
}
/* An address only for an entry in low memory, or whose page is kmapped. */
KMAPPER_INLINE void* sg_virt(struct scatterlist* entry) {
  return (char*)page_address(sg_page(entry)) + entry->offset;
}
KMAPPER_INLINE void sg_mark_end(struct scatterlist* entry) {
  entry->page_link = (entry->page_link | SG_END) & ~SG_CHAIN;
}
KMAPPER_INLINE void sg_unmark_end(struct scatterlist* entry) { entry->page_link &= ~SG_END; }

/* --- Lists --- */

KMAPPER_INLINE void sg_init_table(struct scatterlist* list, unsigned int count) {
  memset(list, 0, count * sizeof(*list));
  sg_mark_end(&list[count - 1]);
}
KMAPPER_INLINE void sg_init_one(struct scatterlist* entry, const void* address,
                                unsigned int length) {
  sg_init_table(entry, 1);
  sg_set_buf(entry, address, length);
}
/* Makes the last of `count` entries lead to the list `next`. */
KMAPPER_INLINE void sg_chain(struct scatterlist* list, unsigned int count,
                             struct scatterlist* next) {
  struct scatterlist* const entry = &list[count - 1];
  entry->offset = entry->length = 0;
  entry->page_link = ((unsigned long)next | SG_CHAIN) & ~SG_END;
}
/* NULL behind the last one. */
KMAPPER_INLINE struct scatterlist* sg_next(struct scatterlist* entry) {
  if (sg_is_last(entry)) return NULL;
  ++entry;
  return sg_is_chain(entry) ? sg_chain_ptr(entry) : entry;
}
#define for_each_sg(list, entry, count, i) \
  for ((i) = 0, (entry) = (list); (i) < (count); ++(i), (entry) = sg_next(entry))

static __inline__ __attribute__((unused)) int sg_nents(struct scatterlist* list) {
  int count = 0;
  for (; list; list = sg_next(list)) ++count;
  return count;
}
/* How many entries have `length` bytes; -1: all together have fewer. */
static __inline__ __attribute__((unused)) int sg_nents_for_len(struct scatterlist* list,
                                                               unsigned long long length) {
  int count = 0;
  unsigned long long total = 0;
  if (length == 0) return 0;
  for (; list; list = sg_next(list)) {
    ++count;
    total += list->length;
    if (total >= length) return count;
  }
  return -1;
}
static __inline__ __attribute__((unused)) struct scatterlist* sg_last(struct scatterlist* list,
                                                                      unsigned int count) {
  for (; count > 1; --count) list = sg_next(list);
  return list;
}

#ifdef __cplusplus
}
#endif

#include "kmapper/linux/sg_miter.h"
#include "kmapper/linux/sg_table.h"

/* NOLINTEND(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#endif
