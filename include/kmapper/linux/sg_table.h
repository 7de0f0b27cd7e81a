/* Lists that are allocated together: included by kmapper/linux/scatterlist.h. */
#ifndef KMAPPER_LINUX_SG_TABLE_H
#define KMAPPER_LINUX_SG_TABLE_H

#include <errno.h>

#include "kmapper/linux/scatterlist.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#ifdef __cplusplus
extern "C" {
#endif

struct sg_table {
  struct scatterlist* sgl;
  unsigned int nents; /* that have a dma_address */
  unsigned int orig_nents;
};
/* The entries of one array. A longer list is a chain of arrays. */
#define SG_MAX_SINGLE_ALLOC 128u
#define SG_CHUNK_SIZE 128

#define for_each_sgtable_sg(table, entry, i) \
  for_each_sg((table)->sgl, entry, (table)->orig_nents, i)
#define for_each_sgtable_dma_sg(table, entry, i) for_each_sg((table)->sgl, entry, (table)->nents, i)

KMAPPER_INLINE void sg_free_table(struct sg_table* table) {
  struct scatterlist* array = table->sgl;
  unsigned int left = table->orig_nents;
  while (array) {
    struct scatterlist* next = NULL;
    if (left > SG_MAX_SINGLE_ALLOC) {
      next = sg_chain_ptr(&array[SG_MAX_SINGLE_ALLOC - 1]);
      left -= SG_MAX_SINGLE_ALLOC - 1;
    }
    kfree(array);
    array = next;
  }
  table->sgl = NULL;
  table->nents = table->orig_nents = 0;
}

/* 0, -EINVAL or -ENOMEM. */
KMAPPER_INLINE int sg_alloc_table(struct sg_table* table, unsigned int count, gfp_t flags) {
  struct scatterlist* last = NULL;
  unsigned int left = count;
  table->sgl = NULL;
  table->nents = table->orig_nents = 0;
  if (count == 0) return -EINVAL;
  while (left > 0) {
    const unsigned int here = left > SG_MAX_SINGLE_ALLOC ? SG_MAX_SINGLE_ALLOC : left;
    struct scatterlist* const array =
        (struct scatterlist*)kmalloc_array(here, sizeof(*array), flags);
    if (!array) {
      sg_free_table(table);
      return -ENOMEM;
    }
    sg_init_table(array, here);
    if (last)
      sg_chain(last, SG_MAX_SINGLE_ALLOC, array);
    else
      table->sgl = array;
    last = array;
    /* Of a full array, the last entry leads to the next one. */
    left = left > here ? left - (here - 1) : 0;
    table->orig_nents += left ? here - 1 : here;
  }
  table->nents = table->orig_nents;
  return 0;
}

/* Pages in a row share an entry. `size` bytes from `offset` in the first page on. */
KMAPPER_INLINE int sg_alloc_table_from_pages(struct sg_table* table, struct page** pages,
                                             unsigned int count, unsigned int offset,
                                             unsigned long size, gfp_t flags) {
  struct scatterlist* entry = NULL;
  unsigned int entries = 1, i, begin = 0;
  int error;
  for (i = 1; i < count; ++i) entries += page_to_pfn(pages[i]) != page_to_pfn(pages[i - 1]) + 1;
  error = sg_alloc_table(table, count ? entries : 0, flags);
  if (error) return error;
  for (i = 1; i <= count; ++i) {
    unsigned long length = ((unsigned long)(i - begin) << PAGE_SHIFT) - offset;
    if (i < count && page_to_pfn(pages[i]) == page_to_pfn(pages[i - 1]) + 1) continue;
    if (length > size) length = size;
    entry = entry ? sg_next(entry) : table->sgl;
    sg_set_page(entry, pages[begin], (unsigned int)length, offset);
    size -= length;
    offset = 0;
    begin = i;
  }
  return 0;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#endif
