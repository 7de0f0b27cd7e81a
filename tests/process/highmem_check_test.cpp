// What the environment says to kmapper/linux/highmem.h: which mappings are checked, and whether
// leaks are reported. Each in a process of its own.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "is_readable.hpp"
#include "kmapper/linux/highmem.h"
#include "kmapper/linux/slab.h"
#include "start_anew.hpp"

namespace {

using Page = struct page;
using kmapper::process::is_readable;

class HighmemSettings : public testing::Test {
 protected:
  void SetUp() override { kmapper::process::start_death_tests_anew(); }
};

/// How many of so many mappings were inaccessible when they were unmapped.
int checked_of(int count) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  int checked = 0;
  for (int i = 0; i < count; ++i) {
    void* const local = kmap_local_page(page);
    kunmap_local(local);
    void* const address = kmap(page);
    if (page_address(page) != address || kmap_to_page(address) != page) std::_Exit(3);
    kunmap(page);
    checked += is_readable(local) ? 0 : 1;
    checked += is_readable(address) ? 0 : 1;
  }
  __free_page(page);
  return checked;
}

TEST_F(HighmemSettings, EachMappingIsCheckedUnlessToldOtherwise) {
  EXPECT_EXIT(std::exit(checked_of(100) == 200 ? 0 : 1), testing::ExitedWithCode(0), "^$");
}

TEST_F(HighmemSettings, SampledChecksSomeMappings) {
  const auto count = [] {
    setenv("KMAPPER_CHECK", "sampled:10", 1);
    const int checked = checked_of(1000);
    std::exit(checked > 100 && checked < 400 ? 0 : 1);
  };
  EXPECT_EXIT(count(), testing::ExitedWithCode(0), "^$");
}

TEST_F(HighmemSettings, SampledStillNamesTheMistakesOfCalls) {
  const auto mistake = [] {
    setenv("KMAPPER_CHECK", "sampled", 1);
    void* const first = kmap_local_page(alloc_page(GFP_HIGHUSER));
    (void)kmap_local_page(alloc_page(GFP_HIGHUSER));
    kunmap_local(first);
  };
  EXPECT_DEATH(mistake(), "kunmap_local out of order: page 0x1400");
}

TEST_F(HighmemSettings, AWrongSettingIsRefused) {
  const auto with = [](const char* name, const char* value) {
    setenv(name, value, 1);
    (void)alloc_page(GFP_HIGHUSER);
  };
  EXPECT_EXIT(
      with("KMAPPER_CHECK", "sampled:0"), testing::ExitedWithCode(2),
      "KMAPPER_CHECK=sampled:0 is not full, sampled, or sampled:N with N from 1 to 1000000");
  EXPECT_EXIT(with("KMAPPER_CHECK", "some"), testing::ExitedWithCode(2), "KMAPPER_CHECK=some");
  EXPECT_EXIT(with("KMAPPER_LEAKS", "yes"), testing::ExitedWithCode(2),
              "KMAPPER_LEAKS=yes is not 0 or 1");
  EXPECT_EXIT(with("KMAPPER_SLOTS", "-1"), testing::ExitedWithCode(2),
              "KMAPPER_SLOTS=-1 is not a number from 1 to 8192");
}

TEST_F(HighmemSettings, LeaksAreReportedByTheCallsThatMadeThem) {
  const auto leak = [] {
    setenv("KMAPPER_LEAKS", "1", 1);
    const volatile int three = 3;  // so that one call is in the loop
    for (int i = 0; i < three; ++i) (void)alloc_page(GFP_HIGHUSER);
    Page* page = alloc_page(GFP_KERNEL);
    (void)kmap(page);
    (void)vmap(&page, 1, VM_MAP, PAGE_KERNEL);
    (void)vmalloc(2 * PAGE_SIZE);
    std::exit(0);
  };
  const std::string lines =
      "leak: 3 pages still allocated, the first is page 0x1400, high; allocated by .*\n"
      "kmapper: leak: 1 page still allocated, the first is page 0x400, low; allocated by .*\n"
      "kmapper: leak: 1 kmap still kmapped, the first is page 0x400, low; kmapped by .*\n"
      "kmapper: leak: 1 page still vmapped, the first is page 0x400, low; mapped by .*\n"
      "kmapper: leak: 2 pages still vmapped, the first is page 0x1403, high; mapped by ";
  EXPECT_EXIT(leak(), testing::ExitedWithCode(1), lines);
}

TEST_F(HighmemSettings, NoLeakIsReportedWhereNothingIsLeft) {
  const auto clean = [] {
    setenv("KMAPPER_LEAKS", "1", 1);
    Page* const page = alloc_page(GFP_HIGHUSER);
    (void)kmap(page);
    kunmap(page);
    __free_page(page);
    vfree(vmalloc(PAGE_SIZE));
    kfree(kmalloc(100, GFP_KERNEL));
    std::exit(0);
  };
  EXPECT_EXIT(clean(), testing::ExitedWithCode(0), "^$");
}

// The program's own clean-up is older than the library's first call.
TEST_F(HighmemSettings, WhatIsFreedAtTheEndIsNoLeak) {
  static Page* page;
  const auto clean = [] {
    setenv("KMAPPER_LEAKS", "1", 1);
    (void)std::atexit([] { __free_page(page); });
    page = alloc_page(GFP_HIGHUSER);
    std::exit(0);
  };
  EXPECT_EXIT(clean(), testing::ExitedWithCode(0), "^$");
}

TEST_F(HighmemSettings, AChildOfAForkLeaksNothingOfItsParent) {
  const auto parent = [] {
    setenv("KMAPPER_LEAKS", "1", 1);
    Page* const page = alloc_page(GFP_HIGHUSER);
    void* const address = kmap_local_page(page);
    const pid_t child = fork();
    if (child == 0) std::exit(0);
    int status = -1;
    (void)waitpid(child, &status, 0);
    kunmap_local(address);
    __free_page(page);
    std::exit(status == 0 ? 0 : 1);
  };
  EXPECT_EXIT(parent(), testing::ExitedWithCode(0), "^$");
}

}  // namespace
