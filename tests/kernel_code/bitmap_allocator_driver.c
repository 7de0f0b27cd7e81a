#include <linux/errno.h>

#include "bitmap_allocator.h"
#include "mistake.h"

/* Sets all bits of three pages, clears some, and finds these again. */
int drive(void) {
  struct page_bitmap* bitmap = page_bitmap_create(2);
  long i;

  expect(bitmap);
  for (i = 0; i < 100; i++) expect(page_bitmap_allocate(bitmap) == (mistake == 6 ? 0 : i));
  expect(page_bitmap_count(bitmap) == 100);
  page_bitmap_fill(bitmap, 0, 128);
  page_bitmap_fill(bitmap, 1, 0);
  for (i = 100; i < 128; i++) expect(page_bitmap_allocate(bitmap) == i);
  expect(page_bitmap_allocate(bitmap) == -ENOSPC);

  expect(page_bitmap_grow(bitmap) == 0);
  expect(page_bitmap_allocate(bitmap) == (long)(2 * BITS_PER_PAGE));
  expect(page_bitmap_count(bitmap) == 2 * BITS_PER_PAGE + 1);
  expect(page_bitmap_release(bitmap, BITS_PER_PAGE) == 0);
  expect(page_bitmap_release(bitmap, 77) == 0);
  expect(page_bitmap_release(bitmap, 77) == -EINVAL);
  expect(page_bitmap_allocate(bitmap) == 77);
  expect(page_bitmap_allocate(bitmap) == (long)BITS_PER_PAGE);
  expect(page_bitmap_count(bitmap) == 2 * BITS_PER_PAGE + 1);
  page_bitmap_destroy(bitmap);
  return 0;
}
