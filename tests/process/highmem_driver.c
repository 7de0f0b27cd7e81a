/* A disk in high memory, written as for the kernel. */
#include "highmem_driver.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <stdlib.h>
#include <string.h>

struct ram_disk {
  unsigned long pages;
  unsigned long in_use;
  struct page* page[]; /* NULL: zeros */
};

struct ram_disk* ram_disk_create(unsigned long pages) {
  struct ram_disk* disk = calloc(1, sizeof(*disk) + pages * sizeof(disk->page[0]));
  if (disk) disk->pages = pages;
  return disk;
}

void ram_disk_destroy(struct ram_disk* disk) {
  unsigned long i;

  for (i = 0; i < disk->pages; ++i)
    if (disk->page[i]) __free_page(disk->page[i]);
  free(disk);
}

static struct page* page_for_writing(struct ram_disk* disk, unsigned long index) {
  if (index >= disk->pages) return NULL;
  if (!disk->page[index]) {
    disk->page[index] = alloc_page(GFP_NOIO | __GFP_HIGHMEM | __GFP_ZERO);
    if (disk->page[index]) disk->in_use++;
  }
  return disk->page[index];
}

int ram_disk_write(struct ram_disk* disk, unsigned long offset, const char* from, size_t length) {
  while (length) {
    size_t within = offset_in_page(offset);
    size_t part = length < PAGE_SIZE - within ? length : PAGE_SIZE - within;
    struct page* page = page_for_writing(disk, offset >> PAGE_SHIFT);
    char* to;

    if (!page) return 0;
    to = kmap_atomic(page);
    memcpy(to + within, from, part);
    kunmap_atomic(to);
    offset += part;
    from += part;
    length -= part;
  }
  return 1;
}

int ram_disk_read(struct ram_disk* disk, unsigned long offset, char* to, size_t length) {
  while (length) {
    size_t within = offset_in_page(offset);
    size_t part = length < PAGE_SIZE - within ? length : PAGE_SIZE - within;
    unsigned long index = offset >> PAGE_SHIFT;

    if (index >= disk->pages) return 0;
    if (disk->page[index])
      memcpy_from_page(to, disk->page[index], within, part);
    else
      memset(to, 0, part);
    offset += part;
    to += part;
    length -= part;
  }
  return 1;
}

void ram_disk_discard(struct ram_disk* disk, unsigned long offset, size_t length) {
  while (length) {
    size_t within = offset_in_page(offset);
    size_t part = length < PAGE_SIZE - within ? length : PAGE_SIZE - within;
    struct page** page = &disk->page[offset >> PAGE_SHIFT];

    if (*page && part == PAGE_SIZE) {
      __free_page(*page);
      *page = NULL;
      disk->in_use--;
    } else if (*page) {
      zero_user(*page, within, part);
    }
    offset += part;
    length -= part;
  }
}

int ram_disk_copy_page(struct ram_disk* disk, unsigned long to, unsigned long from) {
  if (!page_for_writing(disk, to) || !page_for_writing(disk, from)) return 0;
  copy_highpage(disk->page[to], disk->page[from]);
  return 1;
}

unsigned long ram_disk_sum(struct ram_disk* disk) {
  unsigned long sum = 0;
  unsigned long i, j;

  for (i = 0; i < disk->pages; ++i) {
    const unsigned char* bytes;
    if (!disk->page[i]) continue;
    bytes = kmap(disk->page[i]);
    for (j = 0; j < PAGE_SIZE; ++j) sum += bytes[j];
    kunmap(disk->page[i]);
  }
  return sum;
}

unsigned long ram_disk_pages_in_use(const struct ram_disk* disk) { return disk->in_use; }
