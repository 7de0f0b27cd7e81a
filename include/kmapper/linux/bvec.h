/* Arrays of parts of pages, by the kernel's names: see kmapper/linux/highmem.h. A part may go on in
 * the pages behind its first one. */
#ifndef KMAPPER_LINUX_BVEC_H
#define KMAPPER_LINUX_BVEC_H

#include <string.h>

#include "kmapper/linux/highmem.h"
#include "kmapper/linux/mm.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#ifdef __cplusplus
extern "C" {
#endif

struct bio_vec {
  struct page* bv_page;
  unsigned int bv_len;
  unsigned int bv_offset;
};
/* Where a walk is. */
struct bvec_iter {
  unsigned long long bi_sector; /* of 512 bytes */
  unsigned int bi_size;         /* the bytes that are left */
  unsigned int bi_idx;
  unsigned int bi_bvec_done; /* of the part bi_idx */
};

KMAPPER_INLINE void bvec_set_page(struct bio_vec* part, struct page* page, unsigned int length,
                                  unsigned int offset) {
  part->bv_page = page;
  part->bv_len = length;
  part->bv_offset = offset;
}
KMAPPER_INLINE void bvec_set_folio(struct bio_vec* part, struct folio* folio, size_t length,
                                   size_t offset) {
  bvec_set_page(part, folio_page(folio, offset >> PAGE_SHIFT), (unsigned int)length,
                (unsigned int)offset_in_page(offset));
}
/* For an address in low memory. */
KMAPPER_INLINE void bvec_set_virt(struct bio_vec* part, void* address, unsigned int length) {
  bvec_set_page(part, virt_to_page(address), length, (unsigned int)offset_in_page(address));
}

/* --- For a part that lies in one page --- */

KMAPPER_INLINE void* bvec_kmap_local(struct bio_vec* part) {
  return (char*)kmap_local_page(part->bv_page) + part->bv_offset;
}
KMAPPER_INLINE void memcpy_from_bvec(char* to, struct bio_vec* part) {
  memcpy_from_page(to, part->bv_page, part->bv_offset, part->bv_len);
}
KMAPPER_INLINE void memcpy_to_bvec(struct bio_vec* part, const char* from) {
  memcpy_to_page(part->bv_page, part->bv_offset, from, part->bv_len);
}
KMAPPER_INLINE void memzero_bvec(struct bio_vec* part) {
  memzero_page(part->bv_page, part->bv_offset, part->bv_len);
}
/* For a part in low memory. */
KMAPPER_INLINE void* bvec_virt(struct bio_vec* part) {
  return (char*)page_to_virt(part->bv_page) + part->bv_offset;
}
#define bvec_phys(part) (page_to_phys((part)->bv_page) + (part)->bv_offset)

/* --- Walks. mp_: what is left of a part; else, of that, what lies in one page --- */

#define KMAPPER_BVEC(parts, iter) ((parts)[(iter).bi_idx])
#define KMAPPER_LESS(a, b) ((a) < (b) ? (a) : (b))
#define mp_bvec_iter_offset(parts, iter) (KMAPPER_BVEC(parts, iter).bv_offset + (iter).bi_bvec_done)
#define mp_bvec_iter_page(parts, iter) (KMAPPER_BVEC(parts, iter).bv_page)
#define mp_bvec_iter_page_idx(parts, iter) (mp_bvec_iter_offset(parts, iter) >> PAGE_SHIFT)
#define mp_bvec_iter_len(parts, iter) \
  KMAPPER_LESS((iter).bi_size, KMAPPER_BVEC(parts, iter).bv_len - (iter).bi_bvec_done)
#define bvec_iter_offset(parts, iter) \
  ((unsigned int)offset_in_page(mp_bvec_iter_offset(parts, iter)))
#define bvec_iter_page(parts, iter) \
  (mp_bvec_iter_page(parts, iter) + mp_bvec_iter_page_idx(parts, iter))
#define bvec_iter_len(parts, iter)            \
  KMAPPER_LESS(mp_bvec_iter_len(parts, iter), \
               (unsigned int)PAGE_SIZE - bvec_iter_offset(parts, iter))

KMAPPER_INLINE struct bio_vec kmapper_bvec(struct page* page, unsigned int length,
                                           unsigned int offset) {
  struct bio_vec part;
  bvec_set_page(&part, page, length, offset);
  return part;
}
#define mp_bvec_iter_bvec(parts, iter)                                        \
  kmapper_bvec(mp_bvec_iter_page(parts, iter), mp_bvec_iter_len(parts, iter), \
               mp_bvec_iter_offset(parts, iter))
#define bvec_iter_bvec(parts, iter)                                     \
  kmapper_bvec(bvec_iter_page(parts, iter), bvec_iter_len(parts, iter), \
               bvec_iter_offset(parts, iter))

/* False: there are not so many bytes, and nothing changes. */
static __inline__ __attribute__((unused)) bool bvec_iter_advance(const struct bio_vec* parts,
                                                                 struct bvec_iter* iter,
                                                                 unsigned int bytes) {
  if (bytes > iter->bi_size) return false;
  iter->bi_size -= bytes;
  iter->bi_bvec_done += bytes;
  while ((iter->bi_size != 0 || iter->bi_bvec_done != 0) &&
         iter->bi_bvec_done >= parts[iter->bi_idx].bv_len)
    iter->bi_bvec_done -= parts[iter->bi_idx++].bv_len;
  return true;
}
/* At most to the end of the part. */
KMAPPER_INLINE void bvec_iter_advance_single(const struct bio_vec* parts, struct bvec_iter* iter,
                                             unsigned int bytes) {
  bvec_iter_advance(parts, iter, bytes);
}
/* Advancing by no byte skips empty parts. */
#define for_each_bvec(part, parts, iter, start)                                       \
  for ((iter) = (start); (iter).bi_size && (bvec_iter_advance(parts, &(iter), 0),     \
                                            (part) = bvec_iter_bvec(parts, iter), 1); \
       bvec_iter_advance(parts, &(iter), (part).bv_len))
#define for_each_mp_bvec(part, parts, iter, start)                                       \
  for ((iter) = (start); (iter).bi_size && (bvec_iter_advance(parts, &(iter), 0),        \
                                            (part) = mp_bvec_iter_bvec(parts, iter), 1); \
       bvec_iter_advance(parts, &(iter), (part).bv_len))

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
