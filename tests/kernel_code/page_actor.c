#include "page_actor.h"

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "mistake.h"

#define LONGEST_RUN 255

struct packed_file {
  spinlock_t lock; /* guards the length */
  size_t length;   /* of the packed bytes */
  struct page* pages[PACKED_PAGES];
  unsigned char* workspace; /* a copy of the packed bytes, which are unpacked from there */
};

struct packed_file* packed_open(void) {
  struct packed_file* file = kzalloc(sizeof(*file), GFP_KERNEL);
  unsigned int i;

  if (!file) return NULL;
  spin_lock_init(&file->lock);
  if (mistake == 1) spin_lock(&file->lock);
  /* mistake 1: vmalloc in a section that must not sleep */
  file->workspace = vmalloc(PACKED_PAGES * PAGE_SIZE); /* mistake 2: leak: ... still vmapped */
  if (!file->workspace) goto failed;
  for (i = 0; i < PACKED_PAGES; i++) {
    file->pages[i] = alloc_page(GFP_NOFS | __GFP_HIGHMEM);
    if (!file->pages[i]) goto failed;
  }
  return file;
failed:
  packed_close(file);
  return NULL;
}

void packed_close(struct packed_file* file) {
  unsigned int i;

  if (mistake != 2) vfree(file->workspace);
  for (i = 0; i < PACKED_PAGES; i++) {
    if (!file->pages[i]) continue;
    put_page(file->pages[i]); /* mistake 3: a page freed while it is mapped */
  }
  kfree(file); /* mistake 4: a write after kfree */
  if (mistake == 4) file->length = 0;
}

/* Packs bytes, and returns how many the packed ones are; 0: more than `room`. */
static size_t pack(const unsigned char* from, size_t length, unsigned char* to, size_t room) {
  size_t used = 0;
  size_t i = 0;

  while (i < length) {
    size_t run = 1;
    while (run < LONGEST_RUN && i + run < length && from[i + run] == from[i]) run++;
    if (used + 2 > room && mistake != 5) return 0;
    /* mistake 5: access beyond the end of a vmap area */
    to[used] = (unsigned char)run; /* mistake 6: use after vunmap */
    to[used + 1] = from[i];
    used += 2;
    i += run;
  }
  return used;
}

int packed_write_folio(struct packed_file* file, struct folio* folio, size_t length) {
  const size_t room = PACKED_PAGES * PAGE_SIZE;
  size_t packed = 0;
  size_t at = 0;
  unsigned char* to;

  if (mistake == 7) spin_lock(&file->lock);
  /* mistake 7: vmap in a section that must not sleep */
  to = vmap(file->pages, PACKED_PAGES, VM_MAP, PAGE_KERNEL);
  if (!to) return -ENOMEM;
  if (mistake == 6) vunmap(to);
  folio_lock(folio);
  folio_start_writeback(folio);
  if (mistake == 8) /* mistake 8: set_page_writeback of a page that is under writeback */
    folio_start_writeback(folio);
  folio_unlock(folio);
  while (at < length) {
    size_t part = length - at < PAGE_SIZE ? length - at : PAGE_SIZE;
    const unsigned char* from = kmap_local_folio(folio, at);
    size_t size = pack(from, part, to + packed, room - packed);
    kunmap_local(from);
    if (size == 0) break;
    packed += size;
    at += part;
  }
  if (mistake == 3 && at < length) return -ENOSPC;
  if (mistake == 9)
    vfree(to); /* mistake 9: vfree of an area that vmalloc did not make */
  else
    vunmap(to);
  if (mistake == 10) vunmap(to); /* mistake 10: vunmap of an address that vmap did not return */
  if (mistake != 11) folio_end_writeback(folio);
  if (mistake == 12) /* mistake 12: end_page_writeback of a page that is not under writeback */
    folio_end_writeback(folio);
  if (at < length) return -ENOSPC;
  spin_lock(&file->lock);
  file->length = packed;
  if (mistake == 13) /* mistake 13: wait_on_page_writeback in a section that must not sleep */
    folio_wait_writeback(folio);
  spin_unlock(&file->lock);
  return 0;
}

/* Sets bytes of a folio, of which each page is mapped by itself. */
static void set(struct folio* folio, size_t at, unsigned char value, size_t length) {
  while (length) {
    size_t room = PAGE_SIZE - offset_in_page(at);
    size_t part = length < room || mistake == 14 ? length : room;
    /* mistake 15: an operation beyond the end of its folio */
    unsigned char* to = kmap_local_folio(folio, at);
    size_t i;
    for (i = 0; i < part; i++) to[i] = value; /* mistake 14: access beyond the end of the page */
    kunmap_local(to);
    length -= part;
    at += part;
  }
}

int packed_read_folio(struct packed_file* file, struct folio* folio) {
  const unsigned char* from = vm_map_ram(file->pages, PACKED_PAGES, -1);
  size_t at = 0;
  size_t i;

  if (!from) {
    folio_end_read(folio, false);
    return -ENOMEM;
  }
  memcpy(file->workspace, from, file->length);
  /* mistake 16: vm_unmap_ram with another count */
  vm_unmap_ram(from, mistake == 16 ? PACKED_PAGES - 1 : PACKED_PAGES);
  from = file->workspace;
  for (i = 0; i < file->length; i += 2) {
    size_t run = from[i];
    while (i + 2 < file->length && from[i + 3] == from[i + 1]) {
      i += 2;
      run += from[i];
    }
    set(folio, at, from[i + 1], run);
    at += run;
  }
  if (mistake == 15) set(folio, folio_size(folio), 0, 1);
  if (at < folio_size(folio)) {
    void* tail = kmap_local_folio(folio, at);
    kunmap_local(folio_zero_tail(folio, at, tail));
  }
  folio_end_read(folio, true);
  if (mistake == 17) folio_unlock(folio); /* mistake 17: unlock_page of a page that is not locked */
  return 0;
}

void packed_read_inline(struct folio* folio, const char* bytes, size_t length) {
  size_t offset = mistake == 18 ? folio_size(folio) - 1 : 0;

  /* mistake 18: an operation beyond the end of its folio */
  folio_fill_tail(folio, offset, bytes, length);
  folio_mark_uptodate(folio);
  if (mistake != 19) folio_unlock(folio);
}

size_t packed_copy(struct folio* folio, size_t offset, char* to, size_t length) {
  char* from;

  if (mistake == 20) preempt_disable();
  /* mistake 19: wait_on_page_locked of a page that this thread has locked */
  folio_wait_locked(folio); /* mistake 20: wait_on_page_locked in a section that must not sleep */
  if (!folio_test_uptodate(folio)) return 0;
  if (mistake == 21) {
    /* mistake 21: page_to_virt of a high page */
    from = lowmem_page_address(folio_page(folio, offset >> PAGE_SHIFT));
    memcpy(to, from, length);
    return length;
  }
  if (mistake == 22) offset += folio_size(folio) - PAGE_SIZE;
  /* mistake 22: an operation beyond the end of its folio */
  memcpy_from_folio(to, folio, offset, length);
  if (mistake == 24) folio_get(folio);
  return length;
}
