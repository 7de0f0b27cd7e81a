/* Nodes of a B-tree, each in a page of high memory: sorted keys move within nodes and between them.
 * The functions lock the pages that they change, and mark them dirty. */
#ifndef KMAPPER_TESTS_KERNEL_CODE_BTREE_MOVER_H
#define KMAPPER_TESTS_KERNEL_CODE_BTREE_MOVER_H

struct page;

/* A node without keys; NULL: there is no memory. The caller has its count. */
struct page* node_create(void);
/* How many keys fit. */
unsigned int node_capacity(void);
unsigned int node_count(struct page* page);
/* The index of the first key that is not less. */
unsigned int node_find(struct page* page, unsigned long key);
/* Returns 0, -EEXIST, or -ENOSPC: split the node. */
int node_insert(struct page* page, unsigned long key);
/* Moves the upper half of the keys to an empty node. Returns 0, or -EINVAL: there are too few. */
int node_split(struct page* left, struct page* right);
/* Moves all keys of `right` to the end of `left`, and gives `right` up. Returns 0, or -ENOSPC. */
int node_merge(struct page* left, struct page* right);
/* Copies a key. Returns 0, or -EINVAL. */
int node_key(struct page* page, unsigned int at, unsigned long* key);
/* Whether the keys of the node are sorted: has a second thread look. */
int node_check(struct page* page);

#endif
