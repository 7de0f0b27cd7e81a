// Correct use of kmapper/linux/slab.h.
#include "kmapper/linux/slab.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "kmapper/linux/highmem.h"
#include "linux/slab.hpp"
#include "tests/process/in_a_child.hpp"

namespace {

std::string as_text(const void* bytes, std::size_t size) {
  return {static_cast<const char*>(bytes), size};
}

TEST(Slab, AnObjectIsInLowMemoryAndHasItsBytes) {
  for (const std::size_t size : {1UL, 15UL, 16UL, 24UL, 100UL, 2047UL, 2048UL, 4096UL, 70'000UL}) {
    void* const object = kmalloc(size, GFP_KERNEL);
    ASSERT_NE(object, nullptr) << size;
    EXPECT_FALSE(PageHighMem(virt_to_page(object)));
    EXPECT_EQ(ksize(object), size);
    EXPECT_EQ(as_text(object, size), std::string(size, '\xA5'));
    std::memset(object, 1, size);
    kfree(object);
  }
}

TEST(Slab, PowersOfTwoAreAlignedToThemselves) {
  for (std::size_t size = 16; size <= PAGE_SIZE; size *= 2) {
    std::vector<void*> objects;
    objects.reserve(20);
    for (int i = 0; i < 20; ++i) objects.push_back(kmalloc(size, GFP_KERNEL));
    for (void* const object : objects) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % size, 0U) << size;
      kfree(object);
    }
  }
  void* const large = kmalloc(16 * PAGE_SIZE, GFP_KERNEL);
  EXPECT_EQ(virt_to_phys(large) % (16 * PAGE_SIZE), 0U);
  kfree(large);
}

TEST(Slab, ObjectsDoNotOverlap) {
  std::vector<unsigned char*> objects;
  for (std::size_t i = 0; i < 2000; ++i) {
    const std::size_t size = 1 + i * 7 % 300;
    auto* const object = static_cast<unsigned char*>(kmalloc(size, GFP_KERNEL));
    std::memset(object, static_cast<int>(i % 251), size);
    objects.push_back(object);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const std::size_t size = 1 + i * 7 % 300;
    EXPECT_EQ(as_text(objects[i], size), std::string(size, static_cast<char>(i % 251)));
    kfree(objects[i]);
  }
}

TEST(Slab, ZerosOnlyWhereThatWasAskedFor) {
  for (int i = 0; i < 300; ++i) {
    void* const zeros = kzalloc(40, GFP_KERNEL);
    EXPECT_EQ(as_text(zeros, 40), std::string(40, '\0'));
    std::memset(zeros, 1, 40);
    kfree(zeros);
  }
  void* const array = kcalloc(30, 100, GFP_KERNEL);
  EXPECT_EQ(as_text(array, 3000), std::string(3000, '\0'));
  kfree(array);
}

TEST(Slab, NothingAndNullAreFreed) {
  void* const nothing = kmalloc(0, GFP_KERNEL);
  EXPECT_EQ(nothing, ZERO_SIZE_PTR);
  EXPECT_TRUE(ZERO_OR_NULL_PTR(nothing));
  EXPECT_EQ(ksize(nothing), 0U);
  kfree(nothing);
  kfree(nullptr);
  kvfree(nullptr);
}

TEST(Slab, ProductsThatOverflowGiveNothing) {
  volatile std::size_t many = SIZE_MAX / 2;
  EXPECT_EQ(kmalloc_array(many, 3, GFP_KERNEL), nullptr);
  EXPECT_EQ(kcalloc(many, 3, GFP_KERNEL), nullptr);
  EXPECT_EQ(kvmalloc_array(many, 3, GFP_KERNEL), nullptr);
  EXPECT_EQ(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN), nullptr);
}

TEST(Slab, ReallocKeepsTheBytes) {
  auto* object = static_cast<char*>(kmalloc(6, GFP_KERNEL));
  std::strcpy(object, "hello");
  object = static_cast<char*>(krealloc(object, 3000, GFP_KERNEL | __GFP_ZERO));
  EXPECT_STREQ(object, "hello");
  EXPECT_EQ(object[2999], 0);
  object = static_cast<char*>(krealloc(object, 4, GFP_KERNEL));
  EXPECT_EQ(as_text(object, 4), "hell");
  EXPECT_EQ(krealloc(object, 4, GFP_KERNEL), object);
  EXPECT_EQ(krealloc(object, 0, GFP_KERNEL), ZERO_SIZE_PTR);
  void* const from_null = krealloc(nullptr, 9, GFP_KERNEL);
  EXPECT_EQ(ksize(from_null), 9U);
  kfree(from_null);
}

TEST(Slab, TextIsCopied) {
  char* const copy = kstrdup("a text", GFP_KERNEL);
  EXPECT_STREQ(copy, "a text");
  EXPECT_EQ(ksize(copy), 7U);
  char* const part = kstrndup("a text", 3, GFP_KERNEL);
  EXPECT_STREQ(part, "a t");
  char* const printed = kasprintf(GFP_KERNEL, "%s %d", "page", 5);
  EXPECT_STREQ(printed, "page 5");
  auto* const bytes = static_cast<char*>(kmemdup("xyz", 2, GFP_KERNEL));
  EXPECT_EQ(as_text(bytes, 2), "xy");
  EXPECT_EQ(kstrdup(nullptr, GFP_KERNEL), nullptr);
  for (const void* const it : {copy, part, printed, bytes}) kfree(it);
}

TEST(Slab, LargeSizesOfKvmallocAreNotContiguous) {
  void* const small = kvmalloc(100, GFP_KERNEL);
  EXPECT_FALSE(is_vmalloc_addr(small));
  void* const large = kvzalloc(10 * PAGE_SIZE, GFP_KERNEL);
  ASSERT_NE(large, nullptr);
  EXPECT_TRUE(is_vmalloc_addr(large));
  kvfree(small);
  kvfree(large);
}

TEST(Slab, MemoryComesToAnEndAndBack) {
  std::vector<void*> objects;
  while (void* const object = kmalloc(1UL << 20, GFP_KERNEL | __GFP_NOWARN))
    objects.push_back(object);
  EXPECT_GT(objects.size(), 4U);
  for (void* const object : objects) kfree(object);
  void* const again = kmalloc(1UL << 20, GFP_KERNEL);
  EXPECT_NE(again, nullptr);
  kfree(again);
}

void use_many(unsigned seed) {
  std::vector<char*> objects(64, nullptr);
  for (unsigned i = 0; i < 5000; ++i) {
    char*& object = objects[(i * 31 + seed) % objects.size()];
    if (object != nullptr) {
      EXPECT_EQ(object[0], static_cast<char>(seed));
      kfree(object);
    }
    object = static_cast<char*>(kmalloc(1 + (i * 97 + seed) % 1500, GFP_KERNEL));
    object[0] = static_cast<char>(seed);
  }
  for (char* const object : objects) kfree(object);
}

TEST(Slab, ThreadsAllocateAndFree) {
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) threads.emplace_back(use_many, seed);
}

// The threads of the parent that hold the lock do not exist in the child.
TEST(Slab, AChildOfAForkDoesNotWaitForAThreadOfItsParent) {
  std::atomic<bool> is_over = false;
  kfree(kmalloc(30, GFP_KERNEL));
  std::jthread other([&] {
    while (!is_over) kfree(kmalloc(30, GFP_KERNEL));
  });
  kmapper::process::ChildrenAmongThreads children;
  while (children.size() < 50) {
    const int ended =
        kmapper::process::in_a_child_within(kmapper::process::kSecondsAmongThreads, [] {
          for (int j = 0; j < 100; ++j) kfree(kmalloc(30, GFP_KERNEL));
          kmapper::linux_face::expect_no_write_after_kfree();
          return 0;
        });
    if (!children.counts(ended)) break;
  }
  is_over = true;
  EXPECT_TRUE(children.are_well());
}

}  // namespace
