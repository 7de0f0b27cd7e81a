/* Copies between scatter lists, whose entries may have several pages each. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_SG_COPIER_H
#define KMAPPER_TESTS_KERNEL_CODE_SG_COPIER_H

#include <stddef.h>

struct page;
struct scatterlist;

/* An entry: 2^order pages, of which it has `length` bytes from `offset` on. */
struct sg_shape {
  unsigned int order;
  unsigned int offset;
  unsigned int length;
};

/* Allocates the pages of a list. Returns 0, or -ENOMEM. */
int sg_list_create(struct scatterlist* list, const struct sg_shape* shape, unsigned int count);
void sg_list_destroy(struct scatterlist* list, const struct sg_shape* shape, unsigned int count);
/* Copies from list to list until one ends, and returns how many bytes that were. */
size_t sg_list_copy(struct scatterlist* to_list, struct scatterlist* from_list);
/* The same through a buffer of low memory, for a device that cannot reach all memory. `flags` are
 * those of the buffer. Returns 0, or -ENOMEM. */
int sg_list_bounce(struct scatterlist* to, struct scatterlist* from, size_t length,
                   unsigned int flags);
/* Writes bytes from the beginning of a list on. Returns how many fit. */
size_t sg_list_write(struct scatterlist* list, const char* bytes, size_t length);
/* The sum of all bytes. */
unsigned long sg_list_sum(struct scatterlist* list);
/* Makes an entry of kernel memory. */
void sg_list_set_memory(struct scatterlist* entry, struct page* page, unsigned int length);

#endif
