// The reports of kmapper/linux/slab.h about mistakes: each mistake ends a process of its own, with
// a line that names it and the calls.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "linux/slab.hpp"
#include "slab_mistakes.h"
#include "tests/process/start_anew.hpp"

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSanitizer = true;  // which finds accesses at once
#elif defined(__has_feature)
constexpr bool kAddressSanitizer = __has_feature(address_sanitizer);
#else
constexpr bool kAddressSanitizer = false;
#endif

bool with_an_error(int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 0; }

struct Mistake {
  const char* name;
  int (*make)();
  const char* line;  // a regular expression
};

class SlabMisuse : public testing::TestWithParam<Mistake> {
 protected:
  void SetUp() override { kmapper::process::start_death_tests_anew(); }
};

TEST_P(SlabMisuse, IsNamed) {
  EXPECT_EXIT(std::exit(GetParam().make()), with_an_error,
              std::string("kmapper: ") + GetParam().line);
}

constexpr Mistake kMistakes[] = {
    {"KfreeTwice", kfree_twice,
     "kfree of an object that kfree has freed: 24 bytes at 0x.*; called from .*; the other call "},
    {"KfreeOfALargeObjectTwice", kfree_of_a_large_object_twice,
     "kfree of an object that kfree has freed: 12288 bytes at 0x.*; the other call "},
    {"KfreeWithinAnObject", kfree_within_an_object,
     "kfree of an address that kmalloc did not return: 24 bytes at 0x.*, by an address at offset "
     "8.*; the other call .*; pass the address that kmalloc returned"},
    {"KfreeOfAPage", kfree_of_a_page,
     "kfree of an address that kmalloc did not return.*; called from .*; free a page by "},
    {"KfreeOfAKmap", kfree_of_a_kmap,
     "kfree of an address that kmalloc did not return.*; kunmap what kmap returned"},
    {"KfreeOfAVmalloc", kfree_of_a_vmalloc,
     "kfree of an address that kmalloc did not return.*; vfree what vmalloc returned"},
    {"KfreeOfAVariable", kfree_of_a_variable,
     "kfree of an address that kmalloc did not return.*; pass what kmalloc returned"},
    {"KmallocInAnAtomicSection", kmalloc_in_an_atomic_section,
     "kmalloc with flags that may sleep .*, in a section that must not sleep.*; called from "},
    {"KmemCacheAllocInAnAtomicSection", kmem_cache_alloc_in_an_atomic_section,
     "kmalloc with flags that may sleep .*, in a section that must not sleep.*; called from "},
    {"KmemCacheFreeOfAnotherCache", kmem_cache_free_of_another_cache,
     "kmem_cache_free of an object of another cache: 24 bytes at "},
    {"KmemCacheDestroyWithObjects", kmem_cache_destroy_with_objects,
     "kmem_cache_destroy of a cache with an object that is allocated: 24 bytes at .*; the other "},
    {"KreallocOfWhatWasFreed", krealloc_of_what_was_freed,
     "kfree of an object that kfree has freed"},
};

INSTANTIATE_TEST_SUITE_P(, SlabMisuse, testing::ValuesIn(kMistakes),
                         [](const auto& info) { return std::string(info.param.name); });

class SlabAccess : public SlabMisuse {};

TEST_P(SlabAccess, IsNamed) {
  const auto make = [] {
    const int result = GetParam().make();
    kmapper::linux_face::expect_no_write_after_kfree();
    std::exit(result);
  };
  EXPECT_EXIT(make(), with_an_error,
              kAddressSanitizer ? std::string("AddressSanitizer: use-after-poison")
                                : std::string("kmapper: ") + GetParam().line);
}

constexpr Mistake kAccesses[] = {
    {"OverrunOfOneByte", overrun_of_one_byte,
     "a write beyond the end of an object: 24 bytes at 0x.*, to offset 24, in .*; called from .*; "
     "the other call "},
    {"OverrunOfAPage", overrun_of_a_page,
     "a write beyond the end of an object: 4096 bytes at 0x.*, to offset 4098, in "},
    {"WriteAfterKfree", write_after_kfree,
     "a write after kfree: 24 bytes at 0x.*, to offset 5, in .*; called from .*; the other call "},
    {"WriteAfterKfreeAtTheEnd", write_after_kfree_at_the_end,
     "a write after kfree: 24 bytes at 0x.*, to offset 5, in .*; called from .*; the other call "},
};

INSTANTIATE_TEST_SUITE_P(, SlabAccess, testing::ValuesIn(kAccesses),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(SlabMisuse, AReadAfterKfreeIsFoundWithAddressSanitizer) {
  if (!kAddressSanitizer) GTEST_SKIP() << "a build without AddressSanitizer";
  EXPECT_EXIT(std::exit(read_after_kfree()), with_an_error, "AddressSanitizer: use-after-poison");
}

TEST_F(SlabMisuse, NothingHasNoAddress) {
  EXPECT_EXIT(std::exit(use_of_nothing()), with_an_error, "");
}

TEST_F(SlabMisuse, LeaksAreCountedByTheCallThatAllocated) {
  const auto leave = [] {
    objects_that_are_left();
    std::_Exit(kmapper::linux_face::report_slab_leaks() ? 3 : 0);
  };
  EXPECT_EXIT(
      leave(), testing::ExitedWithCode(3),
      "kmapper: leak: 3 objects of kmalloc still allocated, the first has 24 bytes at 0x[^ ]*; "
      "allocated by .*; free them before the program ends");
  EXPECT_EXIT(leave(), testing::ExitedWithCode(3),
              "kmapper: leak: 1 object of kmalloc still allocated, the first has 5000 bytes at ");
  EXPECT_EXIT(leave(), testing::ExitedWithCode(3), "kmapper: leak: 1 object of inodes ");
}

TEST_F(SlabMisuse, HighMemoryIsNotForObjects) {
  const auto ask = [] {
    void* const object = kmalloc(24, GFP_HIGHUSER);
    std::_Exit(PageHighMem(virt_to_page(object)) != 0 ? 1 : 0);
  };
  EXPECT_EXIT(ask(), testing::ExitedWithCode(0),
              "kmapper: kmalloc with __GFP_HIGHMEM gives low memory.*; called from ");
}

TEST_F(SlabMisuse, ThereIsNoLeakWhereAllWasFreed) {
  const auto free_all = [] {
    kfree(kmalloc(24, GFP_KERNEL));
    std::_Exit(kmapper::linux_face::report_slab_leaks() ? 3 : 0);
  };
  EXPECT_EXIT(free_all(), testing::ExitedWithCode(0), "");
}

}  // namespace
