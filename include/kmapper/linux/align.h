/* Numbers and pointers that are multiples of a power of two. */
#ifndef KMAPPER_LINUX_ALIGN_H
#define KMAPPER_LINUX_ALIGN_H

#define ALIGN(number, to) \
  (((number) + ((__typeof__(number))(to)-1)) & ~((__typeof__(number))(to)-1))
#define ALIGN_DOWN(number, to) ((number) & ~((__typeof__(number))(to)-1))
#define IS_ALIGNED(number, to) (((number) & ((__typeof__(number))(to)-1)) == 0)
#define PTR_ALIGN(pointer, to) ((__typeof__(pointer))ALIGN((unsigned long)(pointer), to))
#define PTR_ALIGN_DOWN(pointer, to) ((__typeof__(pointer))ALIGN_DOWN((unsigned long)(pointer), to))
#define PTR_IS_ALIGNED(pointer, to) IS_ALIGNED((unsigned long)(pointer), to)

#endif
