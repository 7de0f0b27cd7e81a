/* Pages that are not contiguous, at contiguous addresses, by the kernel's names: see
 * kmapper/linux/highmem.h. All of these may sleep, except where it says so. An area ends in a
 * page that is never mapped. Not where the machine's pages are larger than 4096 bytes: there,
 * nothing is mapped, NULL is returned, and a notice says so. */
#ifndef KMAPPER_LINUX_VMALLOC_H
#define KMAPPER_LINUX_VMALLOC_H

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier) */

#ifdef __cplusplus
extern "C" {
#endif

#define VM_ALLOC (1UL << 0)
#define VM_MAP (1UL << 1)

/* Maps pages in a row; NULL: there is no memory, or `count` is 0. The pages stay the caller's. */
KMAPPER_API void* vmap(struct page** pages, unsigned int count, unsigned long flags, pgprot_t prot)
    KMAPPER_LINUX(vmap);
/* Unmaps what vmap() returned; NULL: nothing. */
KMAPPER_API void vunmap(const void* address) KMAPPER_LINUX(vunmap);
/* The same, for short mappings of few pages. `node` changes nothing. */
KMAPPER_API void* vm_map_ram(struct page** pages, unsigned int count, int node)
    KMAPPER_LINUX(vm_map_ram);
KMAPPER_API void vm_unmap_ram(const void* address, unsigned int count) KMAPPER_LINUX(vm_unmap_ram);
/* Does nothing: vunmap() leaves no mapping behind. */
#define vm_unmap_aliases() ((void)0)

/* Allocates pages, high ones first, and maps them in a row; NULL: there is no memory. */
KMAPPER_API void* vmalloc(unsigned long size) KMAPPER_LINUX(vmalloc);
KMAPPER_API void* vzalloc(unsigned long size) KMAPPER_LINUX(vzalloc);
KMAPPER_API void* __vmalloc(unsigned long size, gfp_t flags) KMAPPER_LINUX(vmalloc_with_flags);
KMAPPER_API void vfree(const void* address) KMAPPER_LINUX(vfree);
#define vmalloc_user(size) vzalloc(size)
#define vmalloc_node(size, node) vmalloc(size)
#define vzalloc_node(size, node) vzalloc(size)
#define vmalloc_32(size) vmalloc(size)

/* The page that is mapped at an address of such an area. Any context. */
KMAPPER_API struct page* vmalloc_to_page(const void* address) KMAPPER_LINUX(vmalloc_to_page);
#define vmalloc_to_pfn(address) page_to_pfn(vmalloc_to_page(address))
/* Whether an address is, or was, one of such an area. Any context. */
KMAPPER_API bool is_vmalloc_addr(const void* address) KMAPPER_LINUX(is_vmalloc_addr);

/* They matter only to caches that a process does not see. */
#define flush_kernel_vmap_range(address, size) ((void)(address), (void)(size))
#define invalidate_kernel_vmap_range(address, size) ((void)(address), (void)(size))

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier) */

#endif
