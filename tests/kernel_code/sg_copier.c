#include "sg_copier.h"

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "mistake.h"

/* The next byte in a list. */
struct position {
  struct scatterlist* entry;
  size_t at;
};

static size_t least(size_t first, size_t second) { return first < second ? first : second; }

static struct page* page_at(const struct position* position, size_t* offset, size_t* length) {
  size_t begin = position->entry->offset + position->at;

  *offset = offset_in_page(begin);
  *length = least(PAGE_SIZE - *offset, position->entry->length - position->at);
  return nth_page(sg_page(position->entry), begin >> PAGE_SHIFT);
}

static void advance(struct position* position, size_t length) {
  position->at += length;
  if (position->at < position->entry->length) return;
  position->entry = sg_next(position->entry);
  position->at = 0;
}

int sg_list_create(struct scatterlist* list, const struct sg_shape* shape, unsigned int count) {
  unsigned int i;

  sg_init_table(list, count);
  for (i = 0; i < count; i++) {
    /* mistake 3: leak: ... still allocated */
    struct page* page = alloc_pages(GFP_HIGHUSER, shape[i].order);
    if (!page) {
      sg_list_destroy(list, shape, i);
      return -ENOMEM;
    }
    if (mistake == 4) get_page(page + 1); /* mistake 4: get_page of a page whose count is 0 */
    sg_set_page(&list[i], page, shape[i].length, shape[i].offset);
  }
  return 0;
}

void sg_list_destroy(struct scatterlist* list, const struct sg_shape* shape, unsigned int count) {
  unsigned int i;

  for (i = mistake == 3 ? 1 : 0; i < count; i++) {
    struct page* page = sg_page(&list[i]);
    if (mistake == 5)
      /* mistake 5: put_page of a page in an allocation of several that is not compound */
      put_page(page);
    /* mistake 6: a free that does not match its allocation */
    __free_pages(page, mistake == 6 ? 0 : shape[i].order);
  }
}

size_t sg_list_copy(struct scatterlist* to_list, struct scatterlist* from_list) {
  struct position to = {to_list, 0};
  struct sg_mapping_iter from;
  size_t copied = 0;

  sg_miter_start(&from, from_list, sg_nents(from_list), SG_MITER_ATOMIC | SG_MITER_FROM_SG);
  while (to.entry && sg_miter_next(&from)) {
    size_t used = 0;
    while (to.entry && used < from.length) {
      size_t offset, part;
      struct page* page = page_at(&to, &offset, &part);
      const char* source = (const char*)from.addr + used;
      char* target;
      if (mistake == 7) /* mistake 7: kmap, which may sleep, in a section that must not sleep */
        target = kmap(page);
      else if (mistake == 8)
        target = sg_virt(to.entry);
      else
        target = kmap_atomic(mistake == 1 ? sg_page(to.entry) : page);
      target += mistake == 1 ? to.entry->offset + to.at : offset;
      part = least(part, from.length - used);
      /* mistake 1: access beyond the end of the page */
      /* mistake 8: missing kmap */
      /* mistake 18: a write to the zero page */
      memcpy(target, source, part);
      if (mistake == 9) target += part;
      kunmap_atomic(target); /* mistake 9: one past the end of its page */
      if (mistake == 10)
        cond_resched(); /* mistake 10: might_sleep in a section that must not sleep */
      used += part;
      copied += part;
      advance(&to, part);
    }
    from.consumed = used;
    if (mistake == 11 && !to.entry) return copied;
  }
  sg_miter_stop(&from);
  return copied;
}

int sg_list_bounce(struct scatterlist* to, struct scatterlist* from, size_t length,
                   unsigned int flags) {
  char* buffer = alloc_pages_exact(length, flags);

  if (!buffer) return -ENOMEM;
  /* mistake 12: __get_free_pages with __GFP_HIGHMEM gives nothing */
  if (mistake == 12 && !__get_free_pages(flags | __GFP_HIGHMEM, 1)) return -ENOMEM;
  sg_copy_to_buffer(from, sg_nents(from), buffer, length);
  if (mistake == 13) free_pages_exact(buffer, length);
  buffer[0] ^= 1; /* mistake 13: use of a low page after it was freed */
  sg_copy_from_buffer(to, sg_nents(to), buffer, length);
  if (mistake == 14) length -= PAGE_SIZE;
  if (mistake == 19) length += PAGE_SIZE;
  /* mistake 14: a free that does not match its allocation */
  /* mistake 19: a free that does not match its allocation */
  free_pages_exact(buffer, length);
  return 0;
}

size_t sg_list_write(struct scatterlist* list, const char* bytes, size_t length) {
  struct position to = {list, 0};
  size_t written = 0;

  while (to.entry && written < length) {
    size_t offset, part;
    struct page* page = page_at(&to, &offset, &part);
    part = least(mistake == 2 ? to.entry->length - to.at : part, length - written);
    /* mistake 2: an operation beyond the end of its page */
    memcpy_to_page(page, offset, bytes + written, part);
    written += part;
    advance(&to, part);
  }
  return written;
}

unsigned long sg_list_sum(struct scatterlist* list) {
  struct position from = {list, 0};
  unsigned long sum = 0;

  while (from.entry) {
    size_t offset, part, i;
    struct page* page = page_at(&from, &offset, &part);
    /* mistake 11: kmap, which may sleep, in a section that must not sleep */
    /* mistake 15: kmap sleeps because all slots are taken, while its caller holds */
    const unsigned char* bytes = kmap(page); /* mistake 15: kmap sleeps for ever */
    for (i = 0; i < part; i++) sum += bytes[offset + i];
    if (mistake != 15) kunmap(page);
    /* mistake 16: kmap_to_page of an address that maps nothing */
    if (mistake == 16 && kmap_to_page((void*)bytes) != page) return 0;
    advance(&from, part);
  }
  return sum;
}

void sg_list_set_memory(struct scatterlist* entry, struct page* page, unsigned int length) {
  char* memory = kmap(page);

  memory[0] = 1;
  sg_set_page(entry, page, length, 0);
  /* mistake 17: virt_to_page of an address outside low memory */
  if (mistake == 17) sg_set_page(entry, virt_to_page(memory), length, 0);
  if (mistake == 18) sg_set_page(entry, ZERO_PAGE(0), length, 0);
  kunmap(page);
}
