/* A driver as it is written for the kernel, and usual mistakes in such drivers, for a C++ test. */
#ifndef KMAPPER_TESTS_HIGHMEM_DRIVER_H
#define KMAPPER_TESTS_HIGHMEM_DRIVER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A disk in high memory. */
struct ram_disk;
struct ram_disk* ram_disk_create(unsigned long pages);
void ram_disk_destroy(struct ram_disk* disk);
/* Return whether they succeed. */
int ram_disk_write(struct ram_disk* disk, unsigned long offset, const char* from, size_t length);
int ram_disk_read(struct ram_disk* disk, unsigned long offset, char* to, size_t length);
void ram_disk_discard(struct ram_disk* disk, unsigned long offset, size_t length);
int ram_disk_copy_page(struct ram_disk* disk, unsigned long to, unsigned long from);
unsigned long ram_disk_sum(struct ram_disk* disk);
unsigned long ram_disk_pages_in_use(const struct ram_disk* disk);

/* Each makes one mistake, and returns 0. */
int use_after_kunmap(void);
int write_after_kunmap_local(void);
int use_of_a_stale_address_while_another_page_is_mapped(void);
int missing_kmap_of_page_address(void);
int missing_kmap_of_a_computed_address(void);
int struct_page_used_as_memory(void);
int access_beyond_the_page(void);
int access_before_the_page(void);
int access_before_the_page_while_its_neighbour_is_mapped(void);
int use_after_free(void);
int kunmap_twice(void);
int kunmap_of_what_was_never_kmapped(void);
int kunmap_of_the_wrong_page(void);
int kunmap_of_an_address(void);
int kunmap_of_a_low_page_twice(void);
int kunmap_local_out_of_order(void);
int kunmap_local_twice(void);
int kunmap_local_of_a_struct_page(void);
int kunmap_local_of_a_kmap(void);
int kunmap_local_of_a_kmap_atomic(void);
int kmap_local_too_deep(void);
int kmap_in_an_atomic_section(void);
int allocation_in_an_atomic_section(void);
int free_while_kmapped(void);
int free_twice(void);
int free_with_another_order(void);
int copy_beyond_the_page(void);
int virt_to_page_of_a_kmap(void);
int thread_that_ends_with_a_local_mapping(void);
int use_of_what_another_thread_unmapped(void);
/* Where the CPU has protection keys. */
int use_of_what_another_thread_maps(void);
/* With two slots. */
int kmap_that_sleeps_while_holding_another(void);

#ifdef __cplusplus
}
#endif

#endif
