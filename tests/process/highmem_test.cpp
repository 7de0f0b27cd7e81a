// Correct use of kmapper/linux/highmem.h, from C++ and from a driver in C (highmem_driver.c).
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "highmem_driver.h"
#include "is_readable.hpp"
#include "kmapper/linux/highmem.h"

namespace {

using Page = struct page;
using kmapper::process::is_readable;

Page* high_page() { return alloc_page(GFP_HIGHUSER | __GFP_ZERO); }

TEST(Highmem, AHighPageHasAnAddressWhileItIsKmapped) {
  Page* const page = high_page();
  EXPECT_TRUE(PageHighMem(page));
  EXPECT_EQ(page_address(page), nullptr);
  auto* const bytes = static_cast<char*>(kmap(page));
  EXPECT_EQ(page_address(page), bytes);
  EXPECT_EQ(kmap(page), bytes);
  EXPECT_EQ(kmap_to_page(bytes + 5), page);
  std::strcpy(bytes, "kept");
  kunmap(page);
  EXPECT_TRUE(is_readable(bytes));
  kunmap(page);
  EXPECT_FALSE(is_readable(bytes));
  EXPECT_EQ(page_address(page), nullptr);
  EXPECT_STREQ(static_cast<char*>(kmap(page)), "kept");
  kunmap(page);
  __free_page(page);
}

TEST(Highmem, ALowPageAlwaysHasAnAddress) {
  Page* const page = alloc_page(GFP_KERNEL);
  EXPECT_FALSE(PageHighMem(page));
  void* const address = page_address(page);
  ASSERT_NE(address, nullptr);
  EXPECT_EQ(kmap(page), address);
  kunmap(page);
  EXPECT_EQ(kmap_local_page(page), address);
  kunmap_local(address);
  EXPECT_TRUE(is_readable(address));
  EXPECT_EQ(virt_to_page(static_cast<char*>(address) + 9), page);
  EXPECT_EQ(kmap_to_page(address), page);
  __free_page(page);
}

TEST(Highmem, LocalMappingsAreOfThisThreadAndNest) {
  Page* const page = high_page();
  Page* const other = high_page();
  auto* const outer = static_cast<char*>(kmap_local_page(page));
  auto* const inner = static_cast<char*>(kmap_local_page(other));
  outer[1] = 'a';
  inner[1] = 'b';
  std::jthread([&] {
    auto* const theirs = static_cast<char*>(kmap_local_page(page));
    EXPECT_EQ(theirs[1], 'a');
    kunmap_local(theirs);
  }).join();
  EXPECT_EQ(outer[1], 'a');
  EXPECT_EQ(page_address(page), nullptr);
  kunmap_local(inner + 100);
  EXPECT_FALSE(is_readable(inner));
  kunmap_local(outer);
  EXPECT_FALSE(is_readable(outer));
  auto* const atomically = static_cast<char*>(kmap_atomic(other));
  EXPECT_EQ(atomically[1], 'b');
  kunmap_atomic(atomically);
  __free_page(page);
  __free_page(other);
}

TEST(Highmem, PagesAreZerosOnlyWhereThatWasAskedFor) {
  const auto first_byte = [](gfp_t flags) {
    Page* const page = alloc_page(flags);
    unsigned char byte = 0;
    memcpy_from_page(reinterpret_cast<char*>(&byte), page, PAGE_SIZE - 1, 1);
    __free_page(page);
    return byte;
  };
  EXPECT_EQ(first_byte(GFP_HIGHUSER | __GFP_ZERO), 0);
  EXPECT_EQ(first_byte(GFP_HIGHUSER), 0xA5);
  EXPECT_EQ(first_byte(GFP_HIGHUSER | __GFP_ZERO), 0);
  EXPECT_EQ(first_byte(GFP_KERNEL), 0xA5);
  EXPECT_EQ(first_byte(GFP_KERNEL | __GFP_ZERO), 0);
}

TEST(Highmem, PagesInARowAreNeighbours) {
  Page* const pages = alloc_pages(GFP_HIGHUSER, 3);
  ASSERT_NE(pages, nullptr);
  EXPECT_EQ(page_to_pfn(pages) % 8, 0U);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(page_to_pfn(pages + i), page_to_pfn(pages) + static_cast<unsigned long>(i));
    EXPECT_EQ(pfn_to_page(page_to_pfn(pages + i)), pages + i);
    memset_page(pages + i, 0, i, PAGE_SIZE);
  }
  auto* const bytes = static_cast<char*>(kmap_local_page(pages + 5));
  EXPECT_EQ(bytes[0], 5);
  kunmap_local(bytes);
  __free_pages(pages, 3);
  EXPECT_EQ(alloc_pages(GFP_HIGHUSER, 11), nullptr);
  EXPECT_FALSE(pfn_valid(0));
  EXPECT_TRUE(pfn_valid(page_to_pfn(pages)));
}

TEST(Highmem, AllOfHighMemoryCanBeHadAndThenLowMemory) {
  const unsigned long total = nr_free_highpages();
  EXPECT_EQ(total, totalhigh_pages());
  std::vector<Page*> pages;
  for (unsigned long i = 0; i + 1024 <= total; i += 1024)
    pages.push_back(alloc_pages(GFP_HIGHUSER, 10));
  EXPECT_EQ(nr_free_highpages(), 0U);
  EXPECT_EQ(std::set<Page*>(pages.begin(), pages.end()).size(), pages.size());
  Page* const low = alloc_page(GFP_HIGHUSER);
  ASSERT_NE(low, nullptr);
  EXPECT_FALSE(PageHighMem(low));
  __free_page(low);
  for (Page* const page : pages) __free_pages(page, 10);
  EXPECT_EQ(nr_free_highpages(), total);
}

TEST(Highmem, FreePagesAreLowAndHaveAnAddress) {
  const unsigned long address = __get_free_pages(GFP_KERNEL, 1);
  ASSERT_NE(address, 0U);
  std::memset(reinterpret_cast<void*>(address), 1, 2 * PAGE_SIZE);
  free_pages(address, 1);
  const unsigned long zeroed = get_zeroed_page(GFP_ATOMIC);
  EXPECT_EQ(*reinterpret_cast<const char*>(zeroed), 0);
  free_page(zeroed);
  free_page(0);
}

TEST(Highmem, WholeOperationsNeedNoMapping) {
  Page* const page = high_page();
  Page* const other = high_page();
  memcpy_to_page(page, 10, "whole", 5);
  copy_highpage(other, page);
  memcpy_page(other, 20, page, 12, 3);
  char bytes[16] = {};
  memcpy_from_page(bytes, other, 10, 13);
  EXPECT_EQ(std::memcmp(bytes, "whole\0\0\0\0\0ole", 13), 0);
  zero_user_segments(other, 10, 12, 20, 22);
  memcpy_from_page(bytes, other, 10, 13);
  EXPECT_EQ(std::memcmp(bytes, "\0\0ole\0\0\0\0\0\0\0e", 13), 0);
  zero_user_segment(other, 12, 14);
  zero_user(other, 22, 1);
  memzero_page(other, 14, 1);
  copy_user_highpage(page, other, 0, nullptr);
  memcpy_from_page(bytes, page, 10, 13);
  EXPECT_EQ(std::memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 13), 0);
  memset_page(page, 0, 1, PAGE_SIZE);
  clear_highpage(page);
  memset_page(other, 0, 1, PAGE_SIZE);
  clear_user_highpage(other, 0);
  for (Page* const it : {page, other}) {
    memcpy_from_page(bytes, it, PAGE_SIZE - 1, 1);
    EXPECT_EQ(bytes[0], 0);
    __free_page(it);
  }
}

TEST(Highmem, ADriverKeepsADiskInIt) {
  ram_disk* const disk = ram_disk_create(2000);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i);
  for (unsigned long at = 100; at < 7'000'000; at += 1'000'003)
    ASSERT_TRUE(ram_disk_write(disk, at, text.data(), text.size()));
  std::string read(text.size(), ' ');
  for (unsigned long at = 100; at < 7'000'000; at += 1'000'003) {
    ASSERT_TRUE(ram_disk_read(disk, at, read.data(), read.size()));
    ASSERT_EQ(read, text);
  }
  unsigned long sum = 0;
  for (const char it : text) sum += 7UL * static_cast<unsigned char>(it);
  EXPECT_EQ(ram_disk_sum(disk), sum);
  const unsigned long in_use = ram_disk_pages_in_use(disk);
  ram_disk_discard(disk, 100, text.size());
  EXPECT_LT(ram_disk_pages_in_use(disk), in_use);
  ASSERT_TRUE(ram_disk_read(disk, 100, read.data(), read.size()));
  EXPECT_EQ(read, std::string(text.size(), '\0'));
  ASSERT_TRUE(ram_disk_copy_page(disk, 0, 1'000'103 / PAGE_SIZE));
  EXPECT_FALSE(ram_disk_write(disk, 2000 * PAGE_SIZE - 1, "ab", 2));
  ram_disk_destroy(disk);
  EXPECT_EQ(nr_free_highpages(), totalhigh_pages());
}

TEST(Highmem, ThreadsShareSlotsAndSleepForThem) {
  constexpr int kThreads = 4;
  std::vector<Page*> pages(2 * 512);
  for (Page*& page : pages) page = high_page();
  // All slots except one are held, so that the threads take turns.
  for (std::size_t i = 0; i < 511; ++i) (void)kmap(pages[i]);
  std::vector<std::jthread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&pages, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        Page* const page = pages[512 + (i * 7 + static_cast<std::size_t>(t) * 50) % 512];
        auto* const counts = static_cast<int*>(kmap(page));
        ++counts[t];
        kunmap(page);
      }
    });
  }
  threads.clear();
  int counted = 0;
  for (std::size_t i = 512; i < pages.size(); ++i) {
    auto* const counts = static_cast<int*>(kmap_local_page(pages[i]));
    for (int t = 0; t < kThreads; ++t) counted += counts[t];
    kunmap_local(counts);
  }
  EXPECT_EQ(counted, kThreads * 200);
  for (std::size_t i = 0; i < 511; ++i) kunmap(pages[i]);
  for (Page* const page : pages) __free_page(page);
}

}  // namespace
