#include <linux/errno.h>
#include <linux/highmem.h>

#include "btree_mover.h"
#include "mistake.h"

/* Odd keys in descending order, until the node is full. */
static void fill(struct page* node) {
  unsigned int i;

  for (i = node_capacity(); i > 0; i--) expect(node_insert(node, 2UL * i - 1) == 0);
  expect(node_insert(node, 0) == -ENOSPC);
}

/* Fills a node, splits it, and merges it again. */
int drive(void) {
  const unsigned int all = node_capacity();
  struct page* left = node_create();
  struct page* right = node_create();
  unsigned long key;
  unsigned int i;

  expect(left && right);
  expect(node_insert(left, 7) == 0 && node_insert(left, 5) == 0);
  expect(node_insert(left, 7) == -EEXIST && node_insert(left, 9) == 0);
  expect(node_count(left) == 3 && node_find(left, 6) == 1);
  expect(node_check(left));
  put_page(left);

  left = node_create();
  expect(left);
  fill(left);
  expect(PageDirty(left) && !PageDirty(right));
  expect(node_split(left, right) == 0);
  expect(node_split(left, right) == -EINVAL);
  expect(node_count(left) == all / 2 && node_count(right) == all - all / 2);
  expect(node_check(left) && node_check(right) && PageDirty(right));
  for (i = 0; i < all; i++) {
    struct page* node = i < all / 2 ? left : right;
    expect(node_key(node, i < all / 2 ? i : i - all / 2, &key) == 0 && key == 2UL * i + 1);
  }
  expect(node_key(left, all / 2, &key) == -EINVAL);
  expect(node_merge(left, right) == 0);
  if (mistake == 17) node_key(right, 0, &key);
  expect(node_count(left) == all && node_check(left) && !PageLocked(left));
  expect(node_find(left, 100) == 50);
  put_page(left);
  return 0;
}
