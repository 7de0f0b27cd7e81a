// kmalloc() and related calls.
#include "linux/slab.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

void check(gfp_t flags, const void* caller) {
  if (gfpflags_allow_blocking(flags)) {
    Thread::current().expect_may_sleep(
        "kmalloc with flags that may sleep (GFP_ATOMIC does not), in a section that must not sleep",
        0, caller);
  }
  if ((flags & __GFP_HIGHMEM) == 0) return;
  report({.what = "kmalloc with __GFP_HIGHMEM gives low memory",
          .caller = caller,
          .advice = "leave the flag out"});
}

void* allocate(std::size_t size, gfp_t flags, const void* caller) {
  check(flags, caller);
  return size != 0 ? Slabs::get().allocate(size, flags, caller) : ZERO_SIZE_PTR;
}

void release(const void* object, const void* caller) {
  if (!ZERO_OR_NULL_PTR(object)) Slabs::get().free(object, nullptr, caller);
}

std::size_t size_of(const void* object, const char* call, const void* caller) {
  return ZERO_OR_NULL_PTR(object) ? 0 : Slabs::get().size_of(object, call, caller);
}

void* reallocate(const void* object, std::size_t size, gfp_t flags, const void* caller) {
  const std::size_t before =
      size_of(object, "krealloc of an address that kmalloc did not return", caller);
  if (size == before && before != 0) return const_cast<void*>(object);
  void* const moved = allocate(size, flags, caller);
  if (moved == nullptr) return nullptr;
  if (before != 0 && size != 0) std::memcpy(moved, object, std::min(before, size));
  release(object, caller);
  return moved;
}

char* print(gfp_t flags, const char* format, va_list arguments, const void* caller) {
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length < 0) return nullptr;
  const std::size_t size = static_cast<std::size_t>(length) + 1;
  auto* const text = static_cast<char*>(allocate(size, flags, caller));
  if (text != nullptr) std::vsnprintf(text, size, format, arguments);
  return text;
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::Slabs;

void* kmalloc(size_t size, gfp_t flags) {
  return kmapper::linux_face::allocate(size, flags, __builtin_return_address(0));
}

void* krealloc(const void* object, size_t size, gfp_t flags) {
  return kmapper::linux_face::reallocate(object, size, flags, __builtin_return_address(0));
}

void kfree(const void* object) {
  kmapper::linux_face::release(object, __builtin_return_address(0));
}

size_t ksize(const void* object) {
  return kmapper::linux_face::size_of(object, "ksize of an address that kmalloc did not return",
                                      __builtin_return_address(0));
}

char* kvasprintf(gfp_t flags, const char* format, va_list arguments) {
  return kmapper::linux_face::print(flags, format, arguments, __builtin_return_address(0));
}

char* kasprintf(gfp_t flags, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char* const text =
      kmapper::linux_face::print(flags, format, arguments, __builtin_return_address(0));
  va_end(arguments);
  return text;
}

kmem_cache* kmem_cache_create(const char* name, unsigned int size, unsigned int alignment,
                              slab_flags_t /*flags*/, void (*constructor)(void*)) {
  const std::size_t least = std::max(alignment, unsigned{ARCH_SLAB_MINALIGN});
  if (size == 0 || size >= KMALLOC_MAX_SIZE || (least & (least - 1)) != 0 || least > PAGE_SIZE)
    return nullptr;
  // At least one byte behind each object is not handed out.
  const std::size_t stride = (size + least) / least * least;
  return new kmem_cache{.name = name != nullptr ? name : "",
                        .size = size,
                        .stride = stride,
                        .constructor = constructor};
}

void kmem_cache_destroy(kmem_cache* cache) {
  if (cache == nullptr) return;
  Slabs::get().clear(*cache, __builtin_return_address(0));
  delete cache;
}

unsigned int kmem_cache_size(kmem_cache* cache) { return static_cast<unsigned>(cache->size); }

void* kmem_cache_alloc(kmem_cache* cache, gfp_t flags) {
  const void* const caller = __builtin_return_address(0);
  kmapper::linux_face::check(flags, caller);
  void* const object = Slabs::get().allocate(*cache, cache->size, flags, caller);
  if (object != nullptr && cache->constructor != nullptr) cache->constructor(object);
  return object;
}

void kmem_cache_free(kmem_cache* cache, void* object) {
  Slabs::get().free(object, cache, __builtin_return_address(0));
}
