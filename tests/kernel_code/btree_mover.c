#include "btree_mover.h"

#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "mistake.h"

struct node_head {
  unsigned long count;
  unsigned long flags;
};

struct node {
  struct node_head head;
  unsigned long keys[(PAGE_SIZE - sizeof(struct node_head)) / sizeof(unsigned long)];
};

#define KEY_SIZE sizeof(unsigned long)
#define OFFSET_OF_KEY(at) (sizeof(struct node_head) + (at)*KEY_SIZE)
#define CAPACITY (sizeof(((struct node*)0)->keys) / KEY_SIZE)

struct page* node_create(void) {
  /* mistake 22: leak: ... still allocated */
  return alloc_page(GFP_NOFS | __GFP_HIGHMEM | __GFP_ZERO);
}

unsigned int node_capacity(void) { return CAPACITY; }

unsigned int node_count(struct page* page) {
  struct node* node = kmap_local_page(page);
  unsigned long count = node->head.count;

  if (mistake == 1) {
    kunmap_atomic(node); /* mistake 1: kunmap_atomic of a kmap_local_page */
    return count;
  }
  kunmap_local(node);
  if (mistake == 2) count = node->head.count; /* mistake 2: use after kunmap_local */
  return count;
}

static unsigned int find(const struct node* node, unsigned long key) {
  unsigned int low = 0;
  unsigned int high = node->head.count;

  while (low < high) {
    unsigned int middle = (low + high) / 2;
    if (node->keys[middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

unsigned int node_find(struct page* page, unsigned long key) {
  const struct node* node = kmap_atomic(page);
  unsigned int at = find(node, key);

  if (mistake == 3)
    kunmap_local(node); /* mistake 3: kunmap_local of a kmap_atomic */
  else
    kunmap_atomic(node);
  return at;
}

int node_insert(struct page* page, unsigned long key) {
  int status = 0;
  struct node* node;
  unsigned long count;
  unsigned int at;

  /* mistake 4: lock_page of a page that this thread has locked */
  lock_page(page);
  node = kmap_local_page(page);
  count = node->head.count;
  at = find(node, key);
  if (count == CAPACITY) {
    status = -ENOSPC;
  } else if (at < count && node->keys[at] == key) {
    if (mistake == 4) {
      kunmap_local(node);
      return -EEXIST;
    }
    status = -EEXIST;
  } else {
    unsigned long moved =
        (count - at) * KEY_SIZE + (mistake == 5 ? PAGE_SIZE - OFFSET_OF_KEY(count) : 0);
    /* mistake 5: an operation beyond the end of its page */
    memmove_page(page, OFFSET_OF_KEY(at + 1), page, OFFSET_OF_KEY(at), moved);
    node->keys[at] = key;
    node->head.count++;
    set_page_dirty(page);
  }
  /* mistake 6: kunmap_local of the address one past the end of its page */
  kunmap_local(mistake == 6 ? &node->keys[CAPACITY] : (void*)node);
  unlock_page(page);
  return status;
}

int node_split(struct page* left, struct page* right) {
  struct node* from;
  struct node* to;
  unsigned long kept;
  int status = -EINVAL;

  lock_page(left);
  from = mistake == 7 ? kmap_atomic(left) : kmap_local_page(left);
  lock_page(right); /* mistake 7: lock_page in a section that must not sleep */
  to = kmap_local_page(right);
  if (from->head.count >= 2 && to->head.count == 0) {
    kept = from->head.count / 2;
    to->head.count = from->head.count - kept;
    from->head.count = kept;
    memcpy_page(right, OFFSET_OF_KEY(0), left, OFFSET_OF_KEY(kept), to->head.count * KEY_SIZE);
    set_page_dirty(left);
    set_page_dirty(right);
    if (mistake == 11) SetPagePrivate(right);
    if (mistake == 22) get_page(right);
    status = 0;
  }
  if (mistake == 8) kunmap_local(from); /* mistake 8: kunmap_local out of order */
  kunmap_local(to);
  kunmap_local(from);
  unlock_page(right);
  /* mistake 9: unlock_page of a page that is not locked */
  unlock_page(mistake == 9 ? right : left);
  return status;
}

int node_merge(struct page* left, struct page* right) {
  int status = -ENOSPC;
  struct node* from;
  struct node* to;

  lock_page(left);
  lock_page(right);
  to = kmap_local_page(left);
  from = kmap_local_page(right);
  if (to->head.count + from->head.count <= CAPACITY) {
    memcpy_page(left, OFFSET_OF_KEY(to->head.count), right, OFFSET_OF_KEY(0),
                from->head.count * KEY_SIZE);
    to->head.count += from->head.count;
    from->head.count = 0;
    set_page_dirty(left);
    status = 0;
  }
  kunmap_local(from);
  kunmap_local(to);
  unlock_page(left);
  if (mistake != 10) unlock_page(right);
  if (status) return status;

  /* mistake 11: a page freed with private data */
  put_page(right); /* mistake 10: a page freed while it is locked */
  if (mistake == 12)
    SetPageError(right); /* mistake 12: a page flag of something that is not an allocated page */
  if (mistake == 13)
    unlock_page(right); /* mistake 13: unlock_page of something that is not an allocated page */
  if (mistake == 14)
    get_page(right); /* mistake 14: get_page of something that is not an allocated page */
  if (mistake == 15)
    put_page(right); /* mistake 15: put_page of something that is not an allocated page */
  if (mistake == 16)
    lock_page(right); /* mistake 16: lock_page of something that is not an allocated page */
  return 0;
}

int node_key(struct page* page, unsigned int at, unsigned long* key) {
  /* mistake 17: kmap_local_page of something that is not an allocated page */
  const struct node* node = kmap_local_page(page);
  int status = at < node->head.count ? 0 : -EINVAL;

  if (status == 0) *key = node->keys[at];
  kunmap_local(node);
  return status;
}

struct check {
  struct page* page;
  const struct node* node;
  int is_sorted;
};

static void check(void* argument) {
  struct check* check = argument;
  const struct node* node = check->node;
  unsigned long i;

  if (mistake == 18)
    kunmap_local(node); /* mistake 18: kunmap_local of another thread's local mapping */
  /* mistake 19: a thread ends with a local mapping */
  if (mistake == 19) node = kmap_local_page(check->page);
  /* mistake 20: a thread ends in a section that must not sleep */
  preempt_disable();
  /* mistake 21: use of another thread's local mapping */
  check->is_sorted = node->head.count <= CAPACITY;
  for (i = 1; i < node->head.count && check->is_sorted; i++)
    if (node->keys[i - 1] >= node->keys[i]) check->is_sorted = 0;
  if (mistake == 20) return;
  preempt_enable();
}

int node_check(struct page* page) {
  struct check work = {page, NULL, 0};

  work.node = mistake == 18 || mistake == 21 ? kmap_local_page(page) : kmap(page);
  if (mistake == 21) kunmap_local(work.node);
  in_a_thread(check, &work);
  kunmap(page);
  return work.is_sorted;
}
