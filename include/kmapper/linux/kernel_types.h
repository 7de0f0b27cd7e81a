/* Types of numbers, by the kernel's names: those that <linux/types.h> of this system lacks. */
#ifndef KMAPPER_LINUX_KERNEL_TYPES_H
#define KMAPPER_LINUX_KERNEL_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef u64 sector_t;
typedef phys_addr_t resource_size_t;
#ifndef KMAPPER_DMA_ADDR_T
#define KMAPPER_DMA_ADDR_T
typedef unsigned long long dma_addr_t;
#endif
typedef unsigned short umode_t;
typedef unsigned int fmode_t;
typedef unsigned int vm_fault_t;

struct rcu_head {
  struct rcu_head* next;
  void (*func)(struct rcu_head*);
};
#define callback_head rcu_head

#define U8_MAX ((u8)~0U)
#define S8_MAX ((s8)(U8_MAX >> 1))
#define U16_MAX ((u16)~0U)
#define S16_MAX ((s16)(U16_MAX >> 1))
#define U32_MAX ((u32)~0U)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))

/* NOLINTEND(readability-identifier-naming,bugprone-macro-parentheses,modernize-use-using) */

#endif
