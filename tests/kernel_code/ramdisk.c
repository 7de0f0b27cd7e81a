#include "ramdisk.h"

#include <linux/bvec.h>
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "mistake.h"

#define SECTOR_SHIFT 9

struct ramdisk {
  spinlock_t lock; /* guards the array */
  unsigned long nr_pages;
  struct page** pages; /* NULL: zeros */
};

struct ramdisk* ramdisk_create(unsigned long nr_pages) {
  /* mistake 18: leak: ... object ... still allocated */
  struct ramdisk* disk = kzalloc(sizeof(*disk), GFP_KERNEL);

  if (!disk) return NULL;
  disk->pages = kcalloc(nr_pages, sizeof(struct page*), GFP_KERNEL);
  if (!disk->pages) {
    kfree(disk);
    return NULL;
  }
  spin_lock_init(&disk->lock);
  disk->nr_pages = nr_pages;
  return disk;
}

void ramdisk_destroy(struct ramdisk* disk) {
  unsigned long i;

  for (i = mistake == 6 ? 1 : 0; i < disk->nr_pages; i++) {
    if (disk->pages[i])
      __free_page(disk->pages[i]); /* mistake 3: a page freed while it is mapped */
  }
  /* mistake 4: kfree of an address that kmalloc did not return */
  kfree(disk->pages + (mistake == 4 ? 1 : 0));
  kfree(disk);
}

/* The page at an index, made if there is none; NULL: there is no memory. */
static struct page* page_for_writing(struct ramdisk* disk, unsigned long index) {
  struct page* page = disk->pages[index];

  if (page) return page;
  if (mistake == 5) spin_lock(&disk->lock);
  /* mistake 5: an allocation that may sleep in a section that must not sleep */
  /* mistake 6: leak: ... still allocated */
  page = alloc_page(GFP_NOIO | __GFP_HIGHMEM); /* mistake 18: leak: ... still allocated */
  if (!page) return NULL;
  if (mistake == 7)
    memset(page, 0, sizeof(*page)); /* its memory is meant */
  else
    clear_highpage(page);
  page->index = index;
  if (mistake == 2) page->mapping = (struct address_space*)disk;
  spin_lock(&disk->lock);
  disk->pages[index] = page;
  spin_unlock(&disk->lock);
  return page;
}

static int write_part(struct ramdisk* disk, unsigned long at, struct page* from,
                      unsigned int offset, unsigned int length) {
  struct page* page = page_for_writing(disk, at >> PAGE_SHIFT);
  const char* bytes;

  if (!page) return -ENOMEM;
  bytes = kmap_local_page(from);
  /* mistake 7: a struct page was overwritten */
  /* mistake 8: an operation beyond the end of its page */
  memcpy_to_page(page, mistake == 8 ? at : offset_in_page(at), bytes + offset, length);
  /* mistake 9: kunmap_local of an address that this thread does not hold */
  kunmap_local(mistake == 9 ? NULL : bytes);
  return 0;
}

static int read_part(struct ramdisk* disk, unsigned long at, struct page* to, unsigned int offset,
                     unsigned int length) {
  unsigned int i;
  struct page* page = disk->pages[at >> PAGE_SHIFT];
  const char* from;
  char* bytes = kmap(to);

  if (!page && mistake != 10) {
    memset(bytes + offset, 0, length);
    if (mistake != 11) kunmap(to);
    return 0;
  }
  if (mistake == 12) kunmap(to);
  /* mistake 10: kmap_atomic of something that is not an allocated page */
  from = kmap_atomic(page);
  /* mistake 12: use after kunmap */
  for (i = 0; i < length; i++) bytes[offset + i] = from[offset_in_page(at) + i];
  kunmap_atomic(from);
  if (mistake == 13) kunmap(page); /* mistake 13: kunmap of a page that was never kmapped */
  if (mistake == 14) kunmap(to);
  kunmap(to); /* mistake 14: kunmap of a page that is no longer kmapped */
  return 0;
}

/* Calls `part` for each piece of a page of the disk. */
static int each_part(struct ramdisk* disk, unsigned long sector, const struct bio_vec* pieces,
                     unsigned int count,
                     int (*part)(struct ramdisk*, unsigned long, struct page*, unsigned int,
                                 unsigned int)) {
  unsigned long at = sector << SECTOR_SHIFT;
  unsigned int i;

  for (i = 0; i < count; i++) {
    unsigned int done = 0;
    while (done < pieces[i].bv_len) {
      unsigned long length = PAGE_SIZE - offset_in_page(at);
      int status;
      if (length > pieces[i].bv_len - done) length = pieces[i].bv_len - done;
      if (at >> PAGE_SHIFT >= disk->nr_pages) return -EIO;
      status = part(disk, at, pieces[i].bv_page, pieces[i].bv_offset + done, length);
      if (status) return status;
      done += length;
      at += length;
    }
  }
  return 0;
}

int ramdisk_write(struct ramdisk* disk, unsigned long sector, const struct bio_vec* pieces,
                  unsigned int count) {
  return each_part(disk, sector, pieces, count, write_part);
}

int ramdisk_read(struct ramdisk* disk, unsigned long sector, const struct bio_vec* pieces,
                 unsigned int count) {
  return each_part(disk, sector, pieces, count, read_part);
}

int ramdisk_discard(struct ramdisk* disk, unsigned long sector, unsigned long sectors) {
  unsigned long at = sector << SECTOR_SHIFT;
  unsigned long end = (sector + sectors) << SECTOR_SHIFT;

  if (PFN_UP(end) > disk->nr_pages) return -EIO;
  while (at < end) {
    unsigned long length = PAGE_SIZE - offset_in_page(at);
    struct page** page = &disk->pages[at >> PAGE_SHIFT];
    if (length > end - at) length = end - at;
    if (*page && length == PAGE_SIZE) {
      char* bytes = mistake == 15 ? kmap(*page) : NULL;
      if (bytes) kunmap(*page);
      if (mistake == 1) put_page(*page);
      /* mistake 1: a free of a page that is not allocated */
      __free_page(*page);      /* mistake 2: a page freed while its mapping is set */
      if (bytes) bytes[0] = 0; /* mistake 15: use after the page was freed */
      if (mistake != 16) *page = NULL;
    } else if (*page) {
      zero_user(*page, offset_in_page(at), length);
    }
    at += length;
  }
  return 0;
}

int ramdisk_clone(struct ramdisk* disk, unsigned long to, unsigned long from) {
  struct page* target = page_for_writing(disk, to);
  unsigned char *out, *in;
  unsigned long i;

  if (!target) return -ENOMEM;
  in = kmap_local_page(disk->pages[from]);
  out = kmap_local_page(target);
  /* mistake 17: access beyond the end of the page */
  for (i = 0; i < PAGE_SIZE + (mistake == 17 ? 1 : 0); i++) out[i] = in[i];
  kunmap_local(out);
  kunmap_local(in);
  SetPageUptodate(target);
  return 0;
}

unsigned long ramdisk_checksum(struct ramdisk* disk, unsigned long* in_use) {
  unsigned long sum = 0;
  unsigned long i, j;

  *in_use = 0;
  for (i = 0; i < disk->nr_pages; i++) {
    const unsigned char* bytes;
    if (!disk->pages[i]) continue;
    /* mistake 18: leak: ... still kmapped */
    bytes = kmap(disk->pages[i]); /* mistake 16: kmap of something that is not an allocated page */
    for (j = 0; j < PAGE_SIZE; j++) sum += bytes[j] * (j + 1);
    if (mistake != 3 && mistake != 18) kunmap(disk->pages[i]);
    ++*in_use;
  }
  return sum;
}
