/* Linked lists whose heads are one pointer, for hash tables, by the kernel's names. */
#ifndef KMAPPER_LINUX_HLIST_H
#define KMAPPER_LINUX_HLIST_H

#include "kmapper/linux/compiler.h"
#include "kmapper/linux/container_of.h"
#include "kmapper/linux/poison.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

struct hlist_node {
  struct hlist_node *next, **pprev;
};
struct hlist_head {
  struct hlist_node* first;
};
#ifdef __cplusplus
#define HLIST_HEAD_INIT \
  {}
#else
#define HLIST_HEAD_INIT \
  { NULL }
#endif
#define HLIST_HEAD(name) struct hlist_head name = HLIST_HEAD_INIT
#define INIT_HLIST_HEAD(head) ((void)((head)->first = NULL))
KMAPPER_INLINE void INIT_HLIST_NODE(struct hlist_node* node) {
  node->next = NULL;
  node->pprev = NULL;
}
KMAPPER_INLINE int hlist_empty(const struct hlist_head* head) { return !head->first; }
KMAPPER_INLINE int hlist_unhashed(const struct hlist_node* node) { return !node->pprev; }
KMAPPER_INLINE void hlist_add_head(struct hlist_node* node, struct hlist_head* head) {
  node->next = head->first;
  node->pprev = &head->first;
  if (node->next) node->next->pprev = &node->next;
  head->first = node;
}
KMAPPER_INLINE void kmapper_hlist_unlink(struct hlist_node* node) {
  *node->pprev = node->next;
  if (node->next) node->next->pprev = node->pprev;
}
KMAPPER_INLINE void hlist_del(struct hlist_node* node) {
  kmapper_hlist_unlink(node);
  node->next = (struct hlist_node*)LIST_POISON1;
  node->pprev = (struct hlist_node**)LIST_POISON2;
}
KMAPPER_INLINE void hlist_del_init(struct hlist_node* node) {
  if (hlist_unhashed(node)) return;
  kmapper_hlist_unlink(node);
  INIT_HLIST_NODE(node);
}
#define hlist_entry(pointer, type, member) container_of(pointer, type, member)
/* NULL for NULL. */
#define hlist_entry_safe(pointer, type, member)                    \
  __extension__({                                                  \
    struct hlist_node* const kmapper_node = (pointer);             \
    kmapper_node ? hlist_entry(kmapper_node, type, member) : NULL; \
  })
#define hlist_for_each(at, head) for ((at) = (head)->first; (at); (at) = (at)->next)
#define hlist_for_each_entry(at, head, member)                                  \
  for ((at) = hlist_entry_safe((head)->first, __typeof__(*(at)), member); (at); \
       (at) = hlist_entry_safe((at)->member.next, __typeof__(*(at)), member))
/* `after`: a struct hlist_node*. */
#define hlist_for_each_entry_safe(at, after, head, member)                \
  for ((at) = hlist_entry_safe((head)->first, __typeof__(*(at)), member); \
       (at) && ((after) = (at)->member.next, 1);                          \
       (at) = hlist_entry_safe(after, __typeof__(*(at)), member))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
