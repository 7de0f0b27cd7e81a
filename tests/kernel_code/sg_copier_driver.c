#include <linux/highmem.h>
#include <linux/scatterlist.h>

#include "mistake.h"
#include "sg_copier.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Both have 20000 bytes. */
static const struct sg_shape from_shape[] = {{2, 1000, 11000}, {1, 0, 8000}, {1, 4095, 1000}};
static const struct sg_shape to_shape[] = {
    {1, 10, 4000}, {1, 4000, 4096}, {2, 5000, 11384}, {1, 8000, 20}, {1, 2, 500}};

static char pattern(unsigned int at) { return (char)(at * 7 + at / 4096); }

/* Whether the list has the pattern from its beginning on. */
static int has_the_pattern(struct scatterlist* list, size_t length) {
  static char bytes[20000];
  size_t i;

  if (sg_copy_to_buffer(list, sg_nents(list), bytes, length) != length) return 0;
  for (i = 0; i < length && bytes[i] == pattern(i);) i++;
  return i == length;
}

static void copy_to_another_page(struct scatterlist* from) {
  struct page* page = alloc_page(GFP_HIGHUSER);
  struct scatterlist entry;

  expect(page);
  sg_init_table(&entry, 1);
  sg_list_set_memory(&entry, page, 3000);
  expect(sg_list_copy(&entry, from) == 3000);
  expect(has_the_pattern(&entry, 3000));
  __free_page(page);
}

/* Copies from list to list in three ways. */
int drive(void) {
  static char bytes[20000];
  struct scatterlist from[COUNT(from_shape)];
  struct scatterlist to[COUNT(to_shape)];
  unsigned int i;

  for (i = 0; i < sizeof(bytes); i++) bytes[i] = pattern(i);
  expect(sg_list_create(from, from_shape, COUNT(from_shape)) == 0);
  expect(sg_list_create(to, to_shape, COUNT(to_shape)) == 0);
  expect(sg_list_write(from, bytes, sizeof(bytes)) == sizeof(bytes));
  expect(has_the_pattern(from, sizeof(bytes)));

  expect(sg_list_copy(to, from) == sizeof(bytes));
  expect(has_the_pattern(to, sizeof(bytes)));
  expect(sg_list_sum(from) == sg_list_sum(to));
  expect(sg_list_bounce(to, from, sizeof(bytes), GFP_KERNEL) == 0);
  expect(!has_the_pattern(to, 1));
  expect(sg_list_sum(from) != sg_list_sum(to));
  copy_to_another_page(from);

  sg_list_destroy(from, from_shape, COUNT(from_shape));
  sg_list_destroy(to, to_shape, COUNT(to_shape));
  return 0;
}
