// The objects of kmalloc() and kmem_cache_alloc(). Each slab is one allocation of low pages, with
// objects of one cache, or with one large object. What is known about objects lies elsewhere, where
// no overrun reaches it.
//
// An object is filled with kFreed while it is free, and the bytes from its size to the place of the
// next one with kTail while it is allocated. The first pattern is checked when the object is handed
// out again and at the end of the process, the second when it is freed. Objects are handed out
// again in the order in which they were freed, so that a stale pointer points to a free object for
// as long as possible.
//
// Lock order: the mutex of the slabs, then the machine's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "kmapper/linux/slab.h"

namespace kmapper::linux_face {

struct Slab;

struct Object {
  Slab* slab;
  std::byte* begin;
  std::size_t size = 0;  // that was asked for
  bool is_allocated = false;
  const void* allocated_by = nullptr;  // null: never
  const void* freed_by = nullptr;
};

}  // namespace kmapper::linux_face

// The type that C knows by its name only.
struct kmem_cache {  // NOLINT(readability-identifier-naming)
  std::string name;
  std::size_t size;    // 0: each object has its own
  std::size_t stride;  // from one object to the next
  void (*constructor)(void*);
  std::deque<kmapper::linux_face::Object*> free = {};
};

namespace kmapper::linux_face {

/// Its objects never move.
struct Slab {
  kmem_cache* cache;  // null: one large object
  page* first;        // null: the object was freed, and the pages were given back
  unsigned order;
  std::byte* begin;
  std::vector<Object> objects;

  [[nodiscard]] std::size_t bytes() const { return std::size_t{PAGE_SIZE} << order; }
  [[nodiscard]] std::size_t stride() const { return cache != nullptr ? cache->stride : bytes(); }
};

class Slabs {
 public:
  /// Never destroyed, for threads that run to the end.
  [[nodiscard]] static Slabs& get();
  /// Null: there are none yet.
  [[nodiscard]] static Slabs* find() { return slabs_.load(std::memory_order_acquire); }
  static void forget_threads();
  /// Whether this process is a child of a fork. Its parent has the same memory, and may change it.
  [[nodiscard]] static bool are_the_parents() { return are_the_parents_; }

  /// Null: there is no memory.
  [[nodiscard]] void* allocate(std::size_t size, gfp_t flags, const void* caller);
  [[nodiscard]] void* allocate(kmem_cache& cache, std::size_t size, gfp_t flags,
                               const void* caller);
  /// `cache`: the one that the object has to be of; null: any.
  void free(const void* address, const kmem_cache* cache, const void* caller);
  [[nodiscard]] std::size_t size_of(const void* address, const char* call, const void* caller);
  /// Gives the cache's pages back.
  void clear(kmem_cache& cache, const void* caller);

  /// Reports objects that are allocated. Returns whether there are any.
  bool report_leaks();
  /// Checks the objects that are free.
  void expect_no_write_after_kfree();

 private:
  Slabs();
  [[nodiscard]] Object& find(const void* address, const char* call, const void* caller);
  [[nodiscard]] void* allocate_large(std::size_t size, gfp_t flags, const void* caller);
  /// Null: there is no memory.
  [[nodiscard]] Slab* add(kmem_cache* cache, unsigned order, gfp_t flags);
  void forget_freed(const std::byte* begin, std::size_t bytes);

  static std::atomic<Slabs*>
      slabs_;  // release and acquire: a thread that sees them finds them whole

  static bool are_the_parents_;

  std::mutex mutex_;
  std::vector<kmem_cache> sizes_;       // powers of two: the caches of kmalloc()
  std::map<std::uintptr_t, Slab> all_;  // by their beginnings
};

// --- What the machine calls ---

/// At the end: one line for each call that allocated what is still allocated. Returns whether there
/// was any. Without the machine's mutex.
bool report_slab_leaks();
/// At the end: a write after kfree() that no later kmalloc() has found ends the process. Without
/// the machine's mutex.
void expect_no_write_after_kfree();
/// In the child of a fork: the thread that had the mutex is the parent's, and so are the objects.
/// From then on kfree() does nothing, and the two calls above check nothing.
void forget_slab_threads();

}  // namespace kmapper::linux_face
