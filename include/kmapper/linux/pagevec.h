/* Small arrays of folios, by the kernel's names. */
#ifndef KMAPPER_LINUX_PAGEVEC_H
#define KMAPPER_LINUX_PAGEVEC_H

#include "kmapper/linux/mm.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define PAGEVEC_SIZE 31
struct folio_batch {
  unsigned char nr;
  struct folio* folios[PAGEVEC_SIZE];
};
KMAPPER_INLINE void folio_batch_init(struct folio_batch* batch) { batch->nr = 0; }
KMAPPER_INLINE void folio_batch_reinit(struct folio_batch* batch) { batch->nr = 0; }
KMAPPER_INLINE unsigned int folio_batch_count(const struct folio_batch* batch) { return batch->nr; }
KMAPPER_INLINE unsigned int folio_batch_space(const struct folio_batch* batch) {
  return PAGEVEC_SIZE - (unsigned int)batch->nr;
}
/* Returns how many more there is room for. */
KMAPPER_INLINE unsigned int folio_batch_add(struct folio_batch* batch, struct folio* folio) {
  batch->folios[batch->nr++] = folio;
  return folio_batch_space(batch);
}
/* folio_put() of each. */
KMAPPER_INLINE void folio_batch_release(struct folio_batch* batch) {
  unsigned int i;
  for (i = 0; i < batch->nr; ++i) folio_put(batch->folios[i]);
  batch->nr = 0;
}

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
