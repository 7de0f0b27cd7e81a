#include "bitmap_allocator.h"

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "mistake.h"

#define BITS_PER_WORD (8 * sizeof(unsigned long))
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(unsigned long))

struct page_bitmap {
  spinlock_t lock; /* guards the bits, and the array */
  unsigned long nr_pages;
  struct page** pages;
};

struct page_bitmap* page_bitmap_create(unsigned long nr_pages) {
  struct page_bitmap* bitmap = kzalloc(sizeof(*bitmap), GFP_KERNEL);

  if (!bitmap) return NULL;
  spin_lock_init(&bitmap->lock);
  while (nr_pages--) {
    if (page_bitmap_grow(bitmap)) {
      page_bitmap_destroy(bitmap);
      return NULL;
    }
  }
  return bitmap;
}

void page_bitmap_destroy(struct page_bitmap* bitmap) {
  unsigned long i;

  for (i = 0; i < bitmap->nr_pages; i++) {
    struct page* page = bitmap->pages[mistake == 1 && i > 0 ? i - 1 : i];
    if (mistake == 2) kmap(page);
    /* mistake 1: a free of a page that is not allocated */
    __free_page(page); /* mistake 2: a page freed while it is mapped */
  }
  kfree(bitmap->pages);
  /* mistake 4: kfree of an object that kfree has freed */
  kfree(mistake == 4 ? bitmap->pages : (void*)bitmap);
}

int page_bitmap_grow(struct page_bitmap* bitmap) {
  unsigned long size = (bitmap->nr_pages + (mistake == 3 ? 0 : 1)) * sizeof(struct page*);
  struct page** old = bitmap->pages;
  struct page** pages = kmalloc(size ? size : 1, GFP_KERNEL);
  struct page* page;

  if (!pages) return -ENOMEM;
  page = alloc_page(GFP_KERNEL | __GFP_HIGHMEM);
  if (!page) {
    kfree(pages);
    return -ENOMEM;
  }
  if (mistake != 5) clear_highpage(page);

  spin_lock(&bitmap->lock);
  if (mistake == 5) /* mistake 5: kmap, which may sleep, in a section that must not sleep */
    memset(kmap(page), 0, PAGE_SIZE);
  if (old) memcpy(pages, old, bitmap->nr_pages * sizeof(struct page*));
  pages[bitmap->nr_pages++] = page;
  bitmap->pages = pages;
  spin_unlock(&bitmap->lock);
  kfree(old); /* mistake 3: a write beyond the end of an object */
  return 0;
}

long page_bitmap_allocate(struct page_bitmap* bitmap) {
  long found = -ENOSPC;
  unsigned long i, w;

  spin_lock(&bitmap->lock);
  for (i = 0; i < bitmap->nr_pages && found < 0; i++) {
    /* mistake 6: more local mappings than a thread may have */
    unsigned long* words = kmap_local_page(bitmap->pages[i]);
    for (w = 0; w < WORDS_PER_PAGE; w++) {
      if (words[w] == ~0UL) continue;
      found = (long)(i * BITS_PER_PAGE + w * BITS_PER_WORD) + __builtin_ctzl(~words[w]);
      break;
    }
    if (found >= 0 && mistake == 6) break;
    if (found >= 0 && mistake != 7) words[w] |= 1UL << (found % BITS_PER_WORD);
    /* mistake 8: kunmap_local of an address that this thread does not hold */
    kunmap_local(mistake == 8 ? (void*)bitmap->pages[i] : words);
    if (found >= 0 && mistake == 7)
      words[w] |= 1UL << (found % BITS_PER_WORD); /* mistake 7: use after kunmap_local */
  }
  spin_unlock(&bitmap->lock);
  return found;
}

void page_bitmap_fill(struct page_bitmap* bitmap, unsigned long index, unsigned long from) {
  unsigned long begin = from / 8;
  unsigned long length = PAGE_SIZE - (mistake == 9 ? 0 : begin);

  spin_lock(&bitmap->lock);
  /* mistake 9: an operation beyond the end of its page */
  memset_page(bitmap->pages[index], begin, 0xFF, length);
  spin_unlock(&bitmap->lock);
}

int page_bitmap_release(struct page_bitmap* bitmap, unsigned long bit) {
  struct page* page = bitmap->pages[bit / BITS_PER_PAGE];
  unsigned long mask = 1UL << (bit % BITS_PER_WORD);
  unsigned long* words;
  unsigned long* word;
  int was_set;

  spin_lock(&bitmap->lock);
  words = mistake == 10 ? page_address(page) : kmap_atomic(page);
  word = &words[bit % BITS_PER_PAGE / BITS_PER_WORD - (mistake == 11 ? 1 : 0)];
  /* mistake 10: missing kmap */
  was_set = (*word & mask) != 0; /* mistake 11: access before the beginning of the page */
  *word &= ~mask;
  if (mistake == 12) /* mistake 12: page_address of something that is not an allocated page */
    page_address((void*)words);
  /* mistake 17: kmalloc with flags that may sleep ... in a section that must not sleep */
  if (mistake == 17) kfree(kmalloc(sizeof(bit), GFP_KERNEL));
  kunmap_atomic(words);
  /* mistake 18: pagefault_enable without pagefault_disable */
  if (mistake == 18) pagefault_enable();
  spin_unlock(&bitmap->lock);
  if (mistake == 13) preempt_enable(); /* mistake 13: preempt_enable without preempt_disable */
  return was_set ? 0 : -EINVAL;
}

unsigned long page_bitmap_count(struct page_bitmap* bitmap) {
  unsigned long count = 0;
  unsigned long i, w;

  for (i = 0; i < bitmap->nr_pages; i++) {
    struct page* page = bitmap->pages[i];
    unsigned long* words = kmap(page);
    for (w = 0; w < WORDS_PER_PAGE + (mistake == 14 ? 1 : 0); w++)
      /* mistake 14: access beyond the end of the page */
      count += (unsigned long)__builtin_popcountl(words[w]);
    if (mistake == 15) page = (struct page*)words;
    if (mistake == 16) page = bitmap->pages[0];
    /* mistake 15: kunmap of something that is not an allocated page */
    kunmap(page); /* mistake 16: kunmap of a page that is no longer kmapped */
  }
  return count;
}
