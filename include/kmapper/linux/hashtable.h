/* Arrays of lists, by the kernel's names. Zeros are an empty table. */
#ifndef KMAPPER_LINUX_HASHTABLE_H
#define KMAPPER_LINUX_HASHTABLE_H

#include <string.h>

#include "kmapper/linux/array_size.h"
#include "kmapper/linux/hash.h"
#include "kmapper/linux/hlist.h"
#include "kmapper/linux/log2.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#define DECLARE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define DEFINE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)] = {HLIST_HEAD_INIT}
#define HASH_SIZE(table) ARRAY_SIZE(table)
#define HASH_BITS(table) ((unsigned int)ilog2(HASH_SIZE(table)))
#define hash_init(table) ((void)memset(table, 0, sizeof(table)))
#define hash_add(table, node, key) hlist_add_head(node, &(table)[hash_min(key, HASH_BITS(table))])
#define hash_del(node) hlist_del_init(node)
#define hash_hashed(node) (!hlist_unhashed(node))
#define hash_for_each_possible(table, at, member, key) \
  hlist_for_each_entry(at, &(table)[hash_min(key, HASH_BITS(table))], member)
#define hash_for_each_possible_safe(table, at, after, member, key) \
  hlist_for_each_entry_safe(at, after, &(table)[hash_min(key, HASH_BITS(table))], member)
#define hash_for_each(table, bucket, at, member)                                            \
  for ((bucket) = 0, (at) = NULL; !(at) && (size_t)(bucket) < HASH_SIZE(table); ++(bucket)) \
  hlist_for_each_entry(at, &(table)[bucket], member)
#define hash_for_each_safe(table, bucket, after, at, member)                                \
  for ((bucket) = 0, (at) = NULL; !(at) && (size_t)(bucket) < HASH_SIZE(table); ++(bucket)) \
  hlist_for_each_entry_safe(at, after, &(table)[bucket], member)

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
