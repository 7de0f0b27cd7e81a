/* From a member to its structure. */
#ifndef KMAPPER_LINUX_CONTAINER_OF_H
#define KMAPPER_LINUX_CONTAINER_OF_H

#include <stddef.h>

#define container_of(pointer, type, member) \
  ((type*)(void*)((char*)(1 ? (pointer) : &((type*)0)->member) - offsetof(type, member)))
#define container_of_const(pointer, type, member) container_of(pointer, type, member)
#define typeof_member(type, member) __typeof__(((type*)0)->member)
#define sizeof_field(type, member) sizeof(((type*)0)->member)
#define offsetofend(type, member) (offsetof(type, member) + sizeof_field(type, member))

#endif
