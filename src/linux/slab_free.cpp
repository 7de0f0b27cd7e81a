// How objects are found by their addresses, and freed.
#include <algorithm>
#include <iterator>

#include "linux/report.hpp"
#include "linux/slab.hpp"
#include "linux/slab_bytes.hpp"
#include "linux/slab_checks.hpp"

namespace kmapper::linux_face {
namespace {

const char* advice_for(const void* address) {
  if (is_kmap_addr(address)) return "kunmap what kmap returned";
  if (is_vmalloc_addr(address)) return "vfree what vmalloc returned; kvfree frees either";
  if (virt_addr_valid(address)) return "free a page by __free_page() or free_page()";
  return "pass what kmalloc returned";
}

}  // namespace

Object& Slabs::find(const void* address, const char* call, const void* caller) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  auto next = all_.upper_bound(at);
  if (next == all_.begin() || at - std::prev(next)->first >= std::prev(next)->second.bytes())
    stop({.what = call, .caller = caller, .advice = advice_for(address)});
  Slab& slab = std::prev(next)->second;
  const std::size_t offset = at - std::prev(next)->first;
  const std::size_t index = std::min(offset / slab.stride(), slab.objects.size() - 1);
  Object& object = slab.objects[index];
  const std::size_t within = offset - index * slab.stride();
  if (within == 0 && object.is_allocated) return object;
  const bool was_freed = object.freed_by != nullptr && !object.is_allocated;
  const About about(was_freed ? "kfree of an object that kfree has freed" : call, object,
                    "by an address at offset", within);
  stop({.what = about.text(),
        .caller = caller,
        .advice = was_freed ? "the other call freed it; free an object once"
                            : "pass the address that kmalloc returned",
        .other = was_freed ? object.freed_by : object.allocated_by});
}

void Slabs::free(const void* address, const kmem_cache* cache, const void* caller) {
  if (are_the_parents()) return;
  const std::lock_guard lock(mutex_);
  Object& object = find(address, "kfree of an address that kmalloc did not return", caller);
  Slab& slab = *object.slab;
  if (cache != nullptr && cache != slab.cache) {
    const About about("kmem_cache_free of an object of another cache", object);
    stop({.what = about.text(),
          .caller = caller,
          .advice = "the other call allocated it; pass its cache",
          .other = object.allocated_by});
  }
  expect_no_overrun(object, slab.stride(), caller);
  object.is_allocated = false;
  object.freed_by = caller;
  std::memset(object.begin, kFreed, slab.stride());
  if (slab.cache != nullptr) {
    forbid(object.begin, slab.stride());
    slab.cache->free.push_back(&object);
    return;
  }
  __free_pages(slab.first, slab.order);
  slab.first = nullptr;
}

std::size_t Slabs::size_of(const void* address, const char* call, const void* caller) {
  const std::lock_guard lock(mutex_);
  return find(address, call, caller).size;
}

void Slabs::clear(kmem_cache& cache, const void* caller) {
  const std::lock_guard lock(mutex_);
  for (auto it = all_.begin(); it != all_.end();) {
    Slab& slab = it->second;
    if (slab.cache != &cache) {
      ++it;
      continue;
    }
    for (const Object& object : slab.objects) {
      if (!object.is_allocated) {
        expect_unchanged(object, slab.stride(), caller);
        continue;
      }
      const About about("kmem_cache_destroy of a cache with an object that is allocated", object);
      stop({.what = about.text(),
            .caller = caller,
            .advice = "the other call allocated it; free all objects before",
            .other = object.allocated_by});
    }
    allow(slab.begin, slab.bytes());
    __free_pages(slab.first, slab.order);
    it = all_.erase(it);
  }
}

}  // namespace kmapper::linux_face
