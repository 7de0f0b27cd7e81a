/* Doubly linked lists in rings, by the kernel's names. struct list_head is that of mm_types.h. */
#ifndef KMAPPER_LINUX_LIST_H
#define KMAPPER_LINUX_LIST_H

#include "kmapper/linux/compiler.h"
#include "kmapper/linux/container_of.h"
#include "kmapper/linux/hlist.h"
#include "kmapper/linux/poison.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define LIST_HEAD_INIT(name) \
  { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
KMAPPER_INLINE void INIT_LIST_HEAD(struct list_head* list) { list->next = list->prev = list; }

/* --- Changes --- */

KMAPPER_INLINE void kmapper_link(struct list_head* prev, struct list_head* next) {
  prev->next = next;
  next->prev = prev;
}
KMAPPER_INLINE void list_add(struct list_head* entry, struct list_head* head) {
  struct list_head* const next = head->next;
  kmapper_link(entry, next);
  kmapper_link(head, entry);
}
KMAPPER_INLINE void list_add_tail(struct list_head* entry, struct list_head* head) {
  struct list_head* const prev = head->prev;
  kmapper_link(prev, entry);
  kmapper_link(entry, head);
}
/* From then on a use of the entry as one of a list faults. */
KMAPPER_INLINE void list_del(struct list_head* entry) {
  kmapper_link(entry->prev, entry->next);
  entry->next = (struct list_head*)LIST_POISON1;
  entry->prev = (struct list_head*)LIST_POISON2;
}
KMAPPER_INLINE void list_del_init(struct list_head* entry) {
  kmapper_link(entry->prev, entry->next);
  INIT_LIST_HEAD(entry);
}
KMAPPER_INLINE void list_replace(struct list_head* old, struct list_head* entry) {
  kmapper_link(entry, old->next);
  kmapper_link(old->prev, entry);
}
KMAPPER_INLINE void list_replace_init(struct list_head* old, struct list_head* entry) {
  list_replace(old, entry);
  INIT_LIST_HEAD(old);
}
KMAPPER_INLINE void list_move(struct list_head* entry, struct list_head* head) {
  kmapper_link(entry->prev, entry->next);
  list_add(entry, head);
}
KMAPPER_INLINE void list_move_tail(struct list_head* entry, struct list_head* head) {
  kmapper_link(entry->prev, entry->next);
  list_add_tail(entry, head);
}
#define list_rotate_left(head) \
  ((void)(list_empty(head) ? 0 : (list_move_tail((head)->next, head), 0)))
KMAPPER_INLINE int list_empty(const struct list_head* head) { return head->next == head; }
KMAPPER_INLINE int list_is_singular(const struct list_head* head) {
  return !list_empty(head) && head->next == head->prev;
}
#define list_is_first(entry, head) ((entry)->prev == (head))
#define list_is_last(entry, head) ((entry)->next == (head))
#define list_is_head(entry, head) ((entry) == (head))
/* Moves all entries of a list to the beginning, or the end, of another. */
KMAPPER_INLINE void kmapper_splice(struct list_head* list, struct list_head* prev,
                                   struct list_head* next) {
  if (list_empty(list)) return;
  kmapper_link(prev, list->next);
  kmapper_link(list->prev, next);
}
KMAPPER_INLINE void list_splice(struct list_head* list, struct list_head* head) {
  kmapper_splice(list, head, head->next);
}
KMAPPER_INLINE void list_splice_tail(struct list_head* list, struct list_head* head) {
  kmapper_splice(list, head->prev, head);
}
KMAPPER_INLINE void list_splice_init(struct list_head* list, struct list_head* head) {
  list_splice(list, head);
  INIT_LIST_HEAD(list);
}
KMAPPER_INLINE void list_splice_tail_init(struct list_head* list, struct list_head* head) {
  list_splice_tail(list, head);
  INIT_LIST_HEAD(list);
}

/* --- Entries --- */

#define list_entry(pointer, type, member) container_of(pointer, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
  (list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(at, member) list_entry((at)->member.next, __typeof__(*(at)), member)
#define list_prev_entry(at, member) list_entry((at)->member.prev, __typeof__(*(at)), member)
#define list_entry_is_head(at, head, member) (&(at)->member == (head))

#define list_for_each(at, head) for ((at) = (head)->next; (at) != (head); (at) = (at)->next)
#define list_for_each_prev(at, head) for ((at) = (head)->prev; (at) != (head); (at) = (at)->prev)
#define list_for_each_safe(at, after, head)                       \
  for ((at) = (head)->next, (after) = (at)->next; (at) != (head); \
       (at) = (after), (after) = (at)->next)
#define list_for_each_entry(at, head, member)                    \
  for ((at) = list_first_entry(head, __typeof__(*(at)), member); \
       !list_entry_is_head(at, head, member); (at) = list_next_entry(at, member))
#define list_for_each_entry_reverse(at, head, member)           \
  for ((at) = list_last_entry(head, __typeof__(*(at)), member); \
       !list_entry_is_head(at, head, member); (at) = list_prev_entry(at, member))
#define list_for_each_entry_continue(at, head, member)                            \
  for ((at) = list_next_entry(at, member); !list_entry_is_head(at, head, member); \
       (at) = list_next_entry(at, member))
#define list_for_each_entry_from(at, head, member) \
  for (; !list_entry_is_head(at, head, member); (at) = list_next_entry(at, member))
#define list_for_each_entry_safe(at, after, head, member)        \
  for ((at) = list_first_entry(head, __typeof__(*(at)), member), \
      (after) = list_next_entry(at, member);                     \
       !list_entry_is_head(at, head, member);                    \
       (at) = (after), (after) = list_next_entry(after, member))
#define list_for_each_entry_safe_reverse(at, after, head, member) \
  for ((at) = list_last_entry(head, __typeof__(*(at)), member),   \
      (after) = list_prev_entry(at, member);                      \
       !list_entry_is_head(at, head, member);                     \
       (at) = (after), (after) = list_prev_entry(after, member))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
