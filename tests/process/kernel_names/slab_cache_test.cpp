// Caches of kmapper/linux/slab.h.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include "kmapper/linux/slab.h"

namespace {

int constructed;
void construct(void* object) {
  ++constructed;
  std::strcpy(static_cast<char*>(object), "new");
}

TEST(SlabCache, ConstructsItsObjects) {
  constructed = 0;
  kmem_cache* const cache = kmem_cache_create("objects", 40, 64, SLAB_HWCACHE_ALIGN, construct);
  std::set<void*> objects;
  for (int i = 0; i < 500; ++i) {
    void* const object = kmem_cache_alloc(cache, GFP_KERNEL);
    EXPECT_STREQ(static_cast<char*>(object), "new");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 64, 0U);
    EXPECT_TRUE(objects.insert(object).second);
  }
  EXPECT_EQ(constructed, 500);
  EXPECT_EQ(kmem_cache_size(cache), 40U);
  for (void* const object : objects) kmem_cache_free(cache, object);
  kmem_cache_destroy(cache);
  kmem_cache_destroy(nullptr);
  EXPECT_EQ(kmem_cache_create("none", 40, 48, 0, nullptr), nullptr);
}

TEST(SlabCache, MayHaveLargeObjectsAndZeros) {
  kmem_cache* const cache = kmem_cache_create("large", 10'000, 0, 0, nullptr);
  void* const object = kmem_cache_zalloc(cache, GFP_KERNEL);
  EXPECT_EQ(std::string(static_cast<char*>(object), 10'000), std::string(10'000, '\0'));
  kmem_cache_free(cache, object);
  kmem_cache_destroy(cache);
}

}  // namespace
