/* Usual mistakes with kmalloc(), each in a function of its own. */
#include "slab_mistakes.h"

#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

int kfree_twice(void) {
  void* const object = kmalloc(24, GFP_KERNEL);
  kfree(object);
  kfree(object);
  return 0;
}

int kfree_of_a_large_object_twice(void) {
  void* const object = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
  kfree(object);
  kfree(object);
  return 0;
}

int kfree_within_an_object(void) {
  char* const object = kmalloc(24, GFP_KERNEL);
  kfree(object + 8);
  return 0;
}

int kfree_of_a_page(void) {
  kfree((void*)__get_free_page(GFP_KERNEL));
  return 0;
}

int kfree_of_a_kmap(void) {
  kfree(kmap(alloc_page(GFP_HIGHUSER)));
  return 0;
}

int kfree_of_a_vmalloc(void) {
  kfree(vmalloc(10));
  return 0;
}

int kfree_of_a_variable(void) {
  int variable = 0;
  void* volatile object = &variable; /* the compiler need not know */
  kfree(object);
  return 0;
}

int overrun_of_one_byte(void) {
  volatile char* const object = kmalloc(24, GFP_KERNEL);
  object[24] = 1;
  kfree((const void*)object);
  return 0;
}

int overrun_of_a_page(void) {
  volatile char* const object = kmalloc(PAGE_SIZE, GFP_KERNEL);
  object[PAGE_SIZE + 2] = 1;
  kfree((const void*)object);
  return 0;
}

int write_after_kfree(void) {
  int i;
  volatile char* const object = kmalloc(24, GFP_KERNEL);
  kfree((const void*)object);
  object[5] = 1;
  for (i = 0; i < 200; ++i) kmalloc(24, GFP_KERNEL);
  return 0;
}

int write_after_kfree_at_the_end(void) {
  volatile char* const object = kmalloc(24, GFP_KERNEL);
  kfree((const void*)object);
  object[5] = 1;
  return 0;
}

int read_after_kfree(void) {
  volatile char* const object = kmalloc(24, GFP_KERNEL);
  kfree((const void*)object);
  return object[5] * 0;
}

int kmalloc_in_an_atomic_section(void) {
  preempt_disable();
  kfree(kmalloc(24, GFP_ATOMIC));
  kfree(kmalloc(24, GFP_KERNEL));
  return 0;
}

int kmem_cache_alloc_in_an_atomic_section(void) {
  struct kmem_cache* const cache = kmem_cache_create("objects", 24, 0, 0, NULL);
  preempt_disable();
  kmem_cache_alloc(cache, GFP_NOFS);
  return 0;
}

int kmem_cache_free_of_another_cache(void) {
  struct kmem_cache* const cache = kmem_cache_create("objects", 24, 0, 0, NULL);
  struct kmem_cache* const other = kmem_cache_create("others", 24, 0, 0, NULL);
  kmem_cache_free(other, kmem_cache_alloc(cache, GFP_KERNEL));
  return 0;
}

int kmem_cache_destroy_with_objects(void) {
  struct kmem_cache* const cache = kmem_cache_create("objects", 24, 0, 0, NULL);
  kmem_cache_alloc(cache, GFP_KERNEL);
  kmem_cache_destroy(cache);
  return 0;
}

int krealloc_of_what_was_freed(void) {
  void* volatile object = kmalloc(24, GFP_KERNEL);
  kfree(object);
  return krealloc(object, 48, GFP_KERNEL) ? 0 : 1;
}

int use_of_nothing(void) {
  volatile char* const object = kmalloc(0, GFP_KERNEL);
  object[0] = 1;
  return 0;
}

int objects_that_are_left(void) {
  struct kmem_cache* const cache = kmem_cache_create("inodes", 40, 0, 0, NULL);
  volatile int count = 3; /* not constant: one call, three times */
  while (count-- > 0) kmalloc(24, GFP_KERNEL);
  kzalloc(5000, GFP_KERNEL);
  kmem_cache_alloc(cache, GFP_KERNEL);
  return 0;
}
