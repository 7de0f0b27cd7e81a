/* Small pieces of low memory in a process, by the kernel's names: see kmapper/linux/highmem.h.
 *
 * What kmalloc() returns lies in low pages, so that virt_to_page() and sg_set_buf() work. It is
 * aligned to its size, where that is a power of two up to PAGE_SIZE, else to at least 16 bytes. At
 * least one byte behind each object is not handed out. A kfree() that is wrong, a write behind an
 * object, and a write after kfree() are reported with the calls that allocated or freed the object.
 * With AddressSanitizer, such accesses are reported at once, and reads too.
 */
#ifndef KMAPPER_LINUX_SLAB_H
#define KMAPPER_LINUX_SLAB_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "kmapper/linux/gfp.h"
#include "kmapper/linux/mm.h"
#include "kmapper/linux/vmalloc.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-nullptr,bugprone-reserved-identifier,modernize-use-using)
 */

#ifdef __cplusplus
extern "C" {
#endif

#define ARCH_KMALLOC_MINALIGN 16
#define ARCH_SLAB_MINALIGN 16
#define KMALLOC_MAX_SIZE (PAGE_SIZE << 10)
#define KMALLOC_MAX_CACHE_SIZE 2048
/* What kmalloc() of no bytes returns: an access faults. */
#define ZERO_SIZE_PTR ((void*)16)
#define ZERO_OR_NULL_PTR(pointer) ((unsigned long)(pointer) <= (unsigned long)ZERO_SIZE_PTR)

/* --- Any size --- */

/* NULL: there is no memory. Without __GFP_ZERO the bytes are 0xA5. Flags that may sleep, in a
 * section that must not sleep, are a mistake. __GFP_HIGHMEM is reported, and ignored. */
KMAPPER_API void* kmalloc(size_t size, gfp_t flags) KMAPPER_LINUX(kmalloc);
/* Moves the object, except where its size stays. NULL: there is no memory, and the old object
 * stays; or `size` is 0, and ZERO_SIZE_PTR is returned. */
KMAPPER_API void* krealloc(const void* object, size_t size, gfp_t flags) KMAPPER_LINUX(krealloc);
/* Frees what kmalloc() and the others here returned; NULL: nothing. Any context. */
KMAPPER_API void kfree(const void* object) KMAPPER_LINUX(kfree);
/* The size that was asked for. */
KMAPPER_API size_t ksize(const void* object) KMAPPER_LINUX(ksize);
KMAPPER_API char* kvasprintf(gfp_t flags, const char* format, va_list arguments)
    KMAPPER_LINUX(kvasprintf) __attribute__((format(printf, 2, 0)));
KMAPPER_API char* kasprintf(gfp_t flags, const char* format, ...) KMAPPER_LINUX(kasprintf)
    __attribute__((format(printf, 2, 3)));

KMAPPER_INLINE void* kzalloc(size_t size, gfp_t flags) { return kmalloc(size, flags | __GFP_ZERO); }
/* NULL too if the product does not fit into size_t. */
KMAPPER_INLINE void* kmalloc_array(size_t count, size_t size, gfp_t flags) {
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? NULL : kmalloc(bytes, flags);
}
KMAPPER_INLINE void* kcalloc(size_t count, size_t size, gfp_t flags) {
  return kmalloc_array(count, size, flags | __GFP_ZERO);
}
KMAPPER_INLINE void* krealloc_array(void* object, size_t count, size_t size, gfp_t flags) {
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? NULL : krealloc(object, bytes, flags);
}
KMAPPER_INLINE void kfree_sensitive(const void* object) { kfree(object); }
#define kzfree(object) kfree_sensitive(object)
#define kmalloc_size_roundup(size) (size)
#define kmalloc_node(size, flags, node) kmalloc(size, flags)
#define kzalloc_node(size, flags, node) kzalloc(size, flags)
#define kmalloc_array_node(count, size, flags, node) kmalloc_array(count, size, flags)
#define kcalloc_node(count, size, flags, node) kcalloc(count, size, flags)

KMAPPER_INLINE void* kmemdup(const void* from, size_t size, gfp_t flags) {
  void* const object = kmalloc(size, flags);
  return object && size != 0 ? memcpy(object, from, size) : object;
}
#define kmemdup_array(from, count, size, flags) kmemdup(from, (size_t)(size) * (count), flags)
/* Copies `length` bytes, and adds the end of the string. */
KMAPPER_INLINE char* kmemdup_nul(const char* from, size_t length, gfp_t flags) {
  char* const text = (char*)kmalloc(length + 1, flags);
  if (!text) return NULL;
  memcpy(text, from, length);
  text[length] = '\0';
  return text;
}
/* These return NULL for NULL. */
KMAPPER_INLINE char* kstrdup(const char* from, gfp_t flags) {
  return from ? (char*)kmemdup(from, strlen(from) + 1, flags) : NULL;
}
KMAPPER_INLINE char* kstrndup(const char* from, size_t most, gfp_t flags) {
  const char* const end = from ? (const char*)memchr(from, 0, most) : NULL;
  return from ? kmemdup_nul(from, end ? (size_t)(end - from) : most, flags) : NULL;
}
/* They always copy, and always free. */
#define kstrdup_const(from, flags) ((const char*)kstrdup(from, flags))
#define kfree_const(text) kfree(text)

/* --- Small sizes by kmalloc(), others by vmalloc(), whose pages are not contiguous --- */

KMAPPER_INLINE void* kvmalloc(size_t size, gfp_t flags) {
  return size <= PAGE_SIZE ? kmalloc(size, flags) : __vmalloc(size, flags);
}
KMAPPER_INLINE void* kvzalloc(size_t size, gfp_t flags) {
  return kvmalloc(size, flags | __GFP_ZERO);
}
KMAPPER_INLINE void* kvmalloc_array(size_t count, size_t size, gfp_t flags) {
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? NULL : kvmalloc(bytes, flags);
}
KMAPPER_INLINE void* kvcalloc(size_t count, size_t size, gfp_t flags) {
  return kvmalloc_array(count, size, flags | __GFP_ZERO);
}
KMAPPER_INLINE void kvfree(const void* object) {
  if (is_vmalloc_addr(object))
    vfree(object);
  else
    kfree(object);
}
#define kvmalloc_node(size, flags, node) kvmalloc(size, flags)
#define kvzalloc_node(size, flags, node) kvzalloc(size, flags)
#define kvfree_sensitive(object, size) ((void)(size), kvfree(object))

/* --- Many objects of one size --- */

struct kmem_cache;
typedef unsigned int slab_flags_t;

/* These change nothing. */
#define SLAB_HWCACHE_ALIGN 0u
#define SLAB_PANIC 0u
#define SLAB_RECLAIM_ACCOUNT 0u
#define SLAB_TEMPORARY 0u
#define SLAB_MEM_SPREAD 0u
#define SLAB_ACCOUNT 0u
#define SLAB_POISON 0u
#define SLAB_RED_ZONE 0u
#define SLAB_STORE_USER 0u
#define SLAB_CONSISTENCY_CHECKS 0u
#define SLAB_NO_MERGE 0u

/* `constructor` may be NULL. It is called for an object each time it is handed out, so what an
 * object has at its kmem_cache_free() is lost. NULL: the size or the alignment is impossible. */
KMAPPER_API struct kmem_cache* kmem_cache_create(const char* name, unsigned int size,
                                                 unsigned int alignment, slab_flags_t flags,
                                                 void (*constructor)(void*))
    KMAPPER_LINUX(kmem_cache_create);
#define kmem_cache_create_usercopy(name, size, alignment, flags, offset, length, constructor) \
  ((void)(offset), (void)(length), kmem_cache_create(name, size, alignment, flags, constructor))
#define KMEM_CACHE(structure, flags)                                \
  kmem_cache_create(#structure, (unsigned)sizeof(struct structure), \
                    (unsigned)__alignof__(struct structure), flags, NULL)
/* Objects that are still allocated are a mistake. NULL: nothing. */
KMAPPER_API void kmem_cache_destroy(struct kmem_cache* cache) KMAPPER_LINUX(kmem_cache_destroy);
KMAPPER_API unsigned int kmem_cache_size(struct kmem_cache* cache) KMAPPER_LINUX(kmem_cache_size);
KMAPPER_API void* kmem_cache_alloc(struct kmem_cache* cache, gfp_t flags)
    KMAPPER_LINUX(kmem_cache_alloc);
KMAPPER_API void kmem_cache_free(struct kmem_cache* cache, void* object)
    KMAPPER_LINUX(kmem_cache_free);
/* Not for a cache with a constructor. */
KMAPPER_INLINE void* kmem_cache_zalloc(struct kmem_cache* cache, gfp_t flags) {
  return kmem_cache_alloc(cache, flags | __GFP_ZERO);
}
#define kmem_cache_alloc_node(cache, flags, node) kmem_cache_alloc(cache, flags)
#define kmem_cache_shrink(cache) ((void)(cache), 0)

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-nullptr,bugprone-reserved-identifier,modernize-use-using)
 */

#endif
