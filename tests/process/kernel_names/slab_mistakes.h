/* Usual mistakes with kmalloc(), each in a function of its own, for a C++ test. Each returns 0. */
#ifndef KMAPPER_TESTS_SLAB_MISTAKES_H
#define KMAPPER_TESTS_SLAB_MISTAKES_H

#ifdef __cplusplus
extern "C" {
#endif

int kfree_twice(void);
int kfree_of_a_large_object_twice(void);
int kfree_within_an_object(void);
int kfree_of_a_page(void);
int kfree_of_a_kmap(void);
int kfree_of_a_vmalloc(void);
int kfree_of_a_variable(void);
int overrun_of_one_byte(void);
int overrun_of_a_page(void);
int write_after_kfree(void);
int write_after_kfree_at_the_end(void);
int read_after_kfree(void);
int kmalloc_in_an_atomic_section(void);
int kmem_cache_alloc_in_an_atomic_section(void);
int kmem_cache_free_of_another_cache(void);
int kmem_cache_destroy_with_objects(void);
int krealloc_of_what_was_freed(void);
int use_of_nothing(void);
int objects_that_are_left(void);

#ifdef __cplusplus
}
#endif

#endif
