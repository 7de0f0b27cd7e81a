/* Walks through the pages of a list, and copies: included by kmapper/linux/scatterlist.h. */
#ifndef KMAPPER_LINUX_SG_MITER_H
#define KMAPPER_LINUX_SG_MITER_H

#include "kmapper/linux/scatterlist.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#ifdef __cplusplus
extern "C" {
#endif

/* --- Page by page, without mapping them --- */

struct sg_page_iter {
  struct scatterlist* sg;
  unsigned int sg_pgoffset; /* the page's number in the entry */
  unsigned int __nents;
  int __pg_advance;
};
KMAPPER_INLINE void __sg_page_iter_start(struct sg_page_iter* iter, struct scatterlist* list,
                                         unsigned int count, unsigned long first) {
  iter->sg = list;
  iter->__nents = count;
  iter->sg_pgoffset = (unsigned int)first;
  iter->__pg_advance = 0;
}
static __inline__ __attribute__((unused)) bool __sg_page_iter_next(struct sg_page_iter* iter) {
  if (!iter->__nents || !iter->sg) return false;
  iter->sg_pgoffset += (unsigned int)iter->__pg_advance;
  iter->__pg_advance = 1;
  while (iter->sg_pgoffset >= PFN_UP((unsigned long)iter->sg->offset + iter->sg->length)) {
    iter->sg_pgoffset -= (unsigned int)PFN_UP((unsigned long)iter->sg->offset + iter->sg->length);
    iter->sg = sg_next(iter->sg);
    if (!--iter->__nents || !iter->sg) return false;
  }
  return true;
}
#define sg_page_iter_page(iter) (sg_page((iter)->sg) + (iter)->sg_pgoffset)
#define for_each_sg_page(list, iter, count, first) \
  for (__sg_page_iter_start(iter, list, count, first); __sg_page_iter_next(iter);)
#define for_each_sgtable_page(table, iter, first) \
  for_each_sg_page((table)->sgl, iter, (table)->orig_nents, first)

/* --- Part by part, each in one page, which is mapped --- */

#define SG_MITER_ATOMIC (1u << 0)  /* by kmap_atomic(): must not sleep */
#define SG_MITER_TO_SG (1u << 1)   /* writes to the pages */
#define SG_MITER_FROM_SG (1u << 2) /* only reads them */
#define SG_MITER_LOCAL (1u << 3)   /* by kmap_local_page() */

struct sg_mapping_iter {
  struct page* page; /* that is mapped; NULL: none is */
  void* addr;
  size_t length;
  size_t consumed; /* by the caller: less than `length` where it wants the rest again */
  struct scatterlist* kmapper_sg;
  unsigned int kmapper_left;    /* entries, with this one */
  unsigned long kmapper_offset; /* of the next part in the entry */
  unsigned int kmapper_flags;
};

KMAPPER_INLINE void sg_miter_start(struct sg_mapping_iter* iter, struct scatterlist* list,
                                   unsigned int count, unsigned int flags) {
  memset(iter, 0, sizeof(*iter));
  iter->kmapper_sg = list;
  iter->kmapper_left = count;
  iter->kmapper_flags = flags;
}
/* Unmaps the part. To be called at the end, also if sg_miter_next() was false. */
KMAPPER_INLINE void sg_miter_stop(struct sg_mapping_iter* iter) {
  if (!iter->page) return;
  iter->kmapper_offset += iter->consumed;
  if ((iter->kmapper_flags & SG_MITER_TO_SG) != 0) flush_dcache_page(iter->page);
  if ((iter->kmapper_flags & SG_MITER_ATOMIC) != 0)
    kunmap_atomic(iter->addr);
  else if ((iter->kmapper_flags & SG_MITER_LOCAL) != 0)
    kunmap_local(iter->addr);
  else
    kunmap(iter->page);
  iter->page = NULL;
  iter->addr = NULL;
  iter->length = iter->consumed = 0;
}
/* To an entry with bytes behind kmapper_offset. False: there is none. */
KMAPPER_INLINE bool kmapper_sg_miter_find(struct sg_mapping_iter* iter) {
  while (iter->kmapper_left && iter->kmapper_sg &&
         iter->kmapper_offset >= iter->kmapper_sg->length) {
    iter->kmapper_offset -= iter->kmapper_sg->length;
    iter->kmapper_sg = sg_next(iter->kmapper_sg);
    --iter->kmapper_left;
  }
  return iter->kmapper_left && iter->kmapper_sg;
}
/* Unmaps the part, and goes on behind `bytes` more. False: there are none. */
KMAPPER_INLINE bool sg_miter_skip(struct sg_mapping_iter* iter, long bytes) {
  sg_miter_stop(iter);
  iter->kmapper_offset += (unsigned long)bytes;
  return kmapper_sg_miter_find(iter);
}
/* Unmaps the part, and maps the next one. False: there is none. */
KMAPPER_INLINE bool sg_miter_next(struct sg_mapping_iter* iter) {
  unsigned long at, length;
  char* address;
  sg_miter_stop(iter);
  if (!kmapper_sg_miter_find(iter)) return false;
  at = iter->kmapper_sg->offset + iter->kmapper_offset;
  length = iter->kmapper_sg->length - iter->kmapper_offset;
  if (length > PAGE_SIZE - offset_in_page(at)) length = PAGE_SIZE - offset_in_page(at);
  iter->page = sg_page(iter->kmapper_sg) + (at >> PAGE_SHIFT);
  if ((iter->kmapper_flags & SG_MITER_ATOMIC) != 0)
    address = (char*)kmap_atomic(iter->page);
  else if ((iter->kmapper_flags & SG_MITER_LOCAL) != 0)
    address = (char*)kmap_local_page(iter->page);
  else
    address = (char*)kmap(iter->page);
  iter->addr = address + offset_in_page(at);
  iter->length = iter->consumed = length;
  return true;
}

/* --- Copies. They return how many bytes were copied, from the byte `skip` of the list on --- */

KMAPPER_INLINE size_t sg_copy_buffer(struct scatterlist* list, unsigned int count, void* buffer,
                                     size_t length, long skip, bool to_buffer) {
  struct sg_mapping_iter iter;
  size_t done = 0;
  sg_miter_start(&iter, list, count,
                 SG_MITER_LOCAL | (to_buffer ? SG_MITER_FROM_SG : SG_MITER_TO_SG));
  if (!sg_miter_skip(&iter, skip)) return 0;
  while (done < length && sg_miter_next(&iter)) {
    const size_t part = iter.length < length - done ? iter.length : length - done;
    if (to_buffer)
      memcpy((char*)buffer + done, iter.addr, part);
    else
      memcpy(iter.addr, (char*)buffer + done, part);
    done += part;
  }
  sg_miter_stop(&iter);
  return done;
}
#define sg_pcopy_from_buffer(list, count, from, length, skip) \
  sg_copy_buffer(list, count, (void*)(from), length, skip, false)
#define sg_pcopy_to_buffer(list, count, to, length, skip) \
  sg_copy_buffer(list, count, to, length, skip, true)
#define sg_copy_from_buffer(list, count, from, length) \
  sg_pcopy_from_buffer(list, count, from, length, 0)
#define sg_copy_to_buffer(list, count, to, length) sg_pcopy_to_buffer(list, count, to, length, 0)
KMAPPER_INLINE size_t sg_zero_buffer(struct scatterlist* list, unsigned int count, size_t length,
                                     long skip) {
  struct sg_mapping_iter iter;
  size_t done = 0;
  sg_miter_start(&iter, list, count, SG_MITER_LOCAL | SG_MITER_TO_SG);
  if (!sg_miter_skip(&iter, skip)) return 0;
  while (done < length && sg_miter_next(&iter)) {
    const size_t part = iter.length < length - done ? iter.length : length - done;
    memset(iter.addr, 0, part);
    done += part;
  }
  sg_miter_stop(&iter);
  return done;
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-nullptr,bugprone-macro-parentheses,modernize-use-using)
 */

#endif
