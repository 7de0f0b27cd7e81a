// Slabs, and how objects are handed out.
#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "linux/pages.hpp"
#include "linux/slab.hpp"
#include "linux/slab_bytes.hpp"
#include "linux/slab_checks.hpp"

namespace kmapper::linux_face {
namespace {

constexpr std::size_t kLeastSize = 16;

/// Makes a free object the caller's.
void hand_out(Object& object, std::size_t size, std::size_t stride, gfp_t flags,
              const void* caller) {
  if (!Slabs::are_the_parents()) expect_unchanged(object, stride, caller);
  allow(object.begin, stride);
  object.size = size;
  object.is_allocated = true;
  object.allocated_by = caller;
  std::memset(object.begin, (flags & __GFP_ZERO) != 0 ? 0 : kNew, size);
  std::memset(object.begin + size, kTail, stride - size);
  forbid(object.begin + size, stride - size);
}

}  // namespace

constinit std::atomic<Slabs*> Slabs::slabs_{nullptr};
constinit bool Slabs::are_the_parents_ = false;

Slabs::Slabs() {
  for (std::size_t size = kLeastSize; size <= KMALLOC_MAX_CACHE_SIZE; size *= 2)
    sizes_.push_back({.name = "kmalloc", .size = 0, .stride = size, .constructor = nullptr});
}

/// Two threads may make them at once, so no child of a fork has to wait for a thread of its parent.
Slabs& Slabs::get() {
  if (Slabs* const made = find(); made != nullptr) [[likely]]
    return *made;
  std::unique_ptr<Slabs> slabs(new Slabs);
  Slabs* none = nullptr;
  if (slabs_.compare_exchange_strong(none, slabs.get(), std::memory_order_acq_rel))
    (void)slabs.release();
  return *find();
}

/// Another thread may have been changing them, so this process goes on with none.
void Slabs::forget_threads() {
  slabs_.store(nullptr, std::memory_order_release);
  are_the_parents_ = true;
}

/// Forgets large objects that were freed, where their addresses are handed out again.
void Slabs::forget_freed(const std::byte* begin, std::size_t bytes) {
  const auto from = reinterpret_cast<std::uintptr_t>(begin);
  auto it = all_.lower_bound(from + bytes);
  while (it != all_.begin()) {
    --it;
    if (it->first + it->second.bytes() <= from) return;
    it = all_.erase(it);
  }
}

Slab* Slabs::add(kmem_cache* cache, unsigned order, gfp_t flags) {
  const gfp_t may_not_sleep = flags & ~(__GFP_DIRECT_RECLAIM | __GFP_HIGHMEM | __GFP_ZERO);
  page* const first = alloc_pages(may_not_sleep | __GFP_COMP, order);
  if (first == nullptr) return nullptr;
  mark_as_the_librarys(Machine::get(), page_to_pfn(first));
  auto* const begin = static_cast<std::byte*>(page_address(first));
  Slab slab{.cache = cache, .first = first, .order = order, .begin = begin, .objects = {}};
  forget_freed(begin, slab.bytes());
  std::memset(begin, kFreed, slab.bytes());
  forbid(begin, slab.bytes());
  Slab& added = all_[reinterpret_cast<std::uintptr_t>(begin)] = std::move(slab);
  added.objects.resize(added.bytes() / added.stride());
  for (std::size_t i = 0; i < added.objects.size(); ++i) {
    added.objects[i].slab = &added;
    added.objects[i].begin = begin + i * added.stride();
    if (cache != nullptr) cache->free.push_back(&added.objects[i]);
  }
  return &added;
}

void* Slabs::allocate(kmem_cache& cache, std::size_t size, gfp_t flags, const void* caller) {
  const std::lock_guard lock(mutex_);
  if (cache.free.empty() &&
      add(&cache, static_cast<unsigned>(get_order(cache.stride)), flags) == nullptr) {
    return nullptr;
  }
  Object& object = *cache.free.front();
  cache.free.pop_front();
  hand_out(object, size, cache.stride, flags, caller);
  return object.begin;
}

void* Slabs::allocate_large(std::size_t size, gfp_t flags, const void* caller) {
  if (size > KMALLOC_MAX_SIZE) return nullptr;
  const std::size_t with_tail = size < KMALLOC_MAX_SIZE ? size + 1 : size;
  const std::lock_guard lock(mutex_);
  Slab* const slab = add(nullptr, static_cast<unsigned>(get_order(with_tail)), flags);
  if (slab == nullptr) return nullptr;
  hand_out(slab->objects[0], size, slab->bytes(), flags, caller);
  return slab->begin;
}

void* Slabs::allocate(std::size_t size, gfp_t flags, const void* caller) {
  if (size >= KMALLOC_MAX_CACHE_SIZE) return allocate_large(size, flags, caller);
  const std::size_t stride = std::bit_ceil(std::max(size + 1, kLeastSize));
  const auto index = static_cast<std::size_t>(std::countr_zero(stride / kLeastSize));
  return allocate(sizes_[index], size, flags, caller);
}

}  // namespace kmapper::linux_face
