// Folios, and pages mapped in a row: kmapper/linux/{highmem,vmalloc}.h.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "is_readable.hpp"
#include "kmapper/linux/pagemap.h"

namespace {

using Page = struct page;
using kmapper::process::is_readable;

std::string bytes_of(folio* folio, std::size_t offset, std::size_t length) {
  std::string bytes(length, '?');
  memcpy_from_folio(bytes.data(), folio, offset, length);
  return bytes;
}

TEST(HighmemFolio, IsAPageOrSeveral) {
  folio* const large = folio_alloc(GFP_HIGHUSER, 2);
  EXPECT_EQ(folio_nr_pages(large), 4);
  EXPECT_EQ(folio_size(large), 4 * PAGE_SIZE);
  EXPECT_EQ(folio_order(large), 2U);
  EXPECT_TRUE(folio_test_large(large));
  EXPECT_TRUE(folio_test_highmem(large));
  EXPECT_EQ(page_folio(folio_page(large, 3)), large);
  EXPECT_EQ(folio_page_idx(large, folio_page(large, 3)), 3U);
  EXPECT_EQ(offset_in_folio(large, 5 * PAGE_SIZE + 7), PAGE_SIZE + 7);
  large->index = 8;
  EXPECT_EQ(folio_pos(large), 8 * 4096);
  EXPECT_EQ(folio_next_index(large), 12U);
  EXPECT_EQ(folio_file_page(large, 9U), folio_page(large, 1));
  EXPECT_TRUE(folio_contains(large, 11U));
  EXPECT_FALSE(folio_contains(large, 12U));
  EXPECT_EQ(folio_page(large, 0)->index, 8U);
  folio_get(large);
  folio_put(large);
  folio_put(large);

  Page* const pages = alloc_pages(GFP_HIGHUSER, 1);  // not compound
  EXPECT_EQ(&page_folio(pages + 1)->page, pages + 1);
  __free_pages(pages, 1);
}

TEST(HighmemFolio, IsMappedPageByPage) {
  folio* const folio = folio_alloc(GFP_HIGHUSER | __GFP_ZERO, 1);
  auto* const second = static_cast<char*>(kmap_local_folio(folio, PAGE_SIZE + 10));
  EXPECT_EQ(offset_in_page(second), 10U);
  std::strcpy(second, "second");
  kunmap_local(second);
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE + 10, 6), "second");
  folio_get(folio);
  void* const first = kmap_local_folio(folio, 0);
  folio_release_kmap(folio, first);
  EXPECT_FALSE(is_readable(first));
  folio_put(folio);
}

TEST(HighmemFolio, OperationsCrossItsPages) {
  folio* const folio = folio_alloc(GFP_HIGHUSER | __GFP_ZERO, 1);
  const std::string text = "across the border";
  memcpy_to_folio(folio, PAGE_SIZE - 7, text.data(), text.size());
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 7, text.size()), text);
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 8, 1), std::string(1, '\0'));

  std::string part(40, '?');  // ends with the page
  folio->index = 6;
  EXPECT_EQ(memcpy_from_file_folio(part.data(), folio, folio_pos(folio) + 4096 - 7, 40), 7U);
  EXPECT_EQ(part.substr(0, 8), "across ?");

  folio_zero_range(folio, PAGE_SIZE - 2, 4);
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 4, 8), std::string("os\0\0\0\0e ", 8));
  folio_zero_segments(folio, PAGE_SIZE - 7, PAGE_SIZE - 6, PAGE_SIZE + 2, PAGE_SIZE + 3);
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 7, 2), std::string("\0c", 2));
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE + 2, 2), std::string("\0 ", 2));
  folio_zero_segment(folio, 0, 2 * PAGE_SIZE);
  EXPECT_EQ(bytes_of(folio, 0, 2 * PAGE_SIZE), std::string(2 * PAGE_SIZE, '\0'));
  folio_put(folio);
}

TEST(HighmemFolio, TailsAreFilledToTheEnd) {
  folio* const folio = folio_alloc(GFP_HIGHUSER, 1);
  folio_fill_tail(folio, PAGE_SIZE - 2, "tail", 4);
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 3, 6), std::string("\xA5tail\0", 6));
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE + 2, PAGE_SIZE - 2), std::string(PAGE_SIZE - 2, '\0'));

  void* const mapped = kmap_local_folio(folio, PAGE_SIZE - 1);
  kunmap_local(folio_zero_tail(folio, PAGE_SIZE - 1, mapped));
  EXPECT_EQ(bytes_of(folio, PAGE_SIZE - 2, 3), std::string("t\0\0", 3));

  struct folio* const copy = folio_alloc(GFP_HIGHUSER, 1);
  folio_copy(copy, folio);
  EXPECT_EQ(bytes_of(copy, 0, 2 * PAGE_SIZE), bytes_of(folio, 0, 2 * PAGE_SIZE));
  folio_put(copy);
  folio_put(folio);
}

TEST(HighmemVmap, MapsPagesInARow) {
  std::vector<Page*> pages = {alloc_page(GFP_HIGHUSER), alloc_page(GFP_KERNEL),
                              alloc_page(GFP_HIGHUSER)};
  auto* const area = static_cast<char*>(vmap(pages.data(), 3, VM_MAP, PAGE_KERNEL));
  ASSERT_NE(area, nullptr);
  EXPECT_TRUE(is_vmalloc_addr(area));
  EXPECT_FALSE(is_vmalloc_addr(&pages));
  std::strcpy(area + PAGE_SIZE - 2, "row");
  char bytes[4] = {};
  memcpy_from_page(bytes, pages[1], 0, 2);
  EXPECT_STREQ(bytes, "w");
  EXPECT_EQ(vmalloc_to_page(area + 2 * PAGE_SIZE + 1), pages[2]);
  EXPECT_FALSE(is_readable(area + 3 * PAGE_SIZE));
  vunmap(area);
  EXPECT_FALSE(is_readable(area));

  void* const ram = vm_map_ram(pages.data(), 2, -1);
  ASSERT_NE(ram, nullptr);
  vm_unmap_ram(ram, 2);
  vunmap(nullptr);
  for (Page* const page : pages) put_page(page);
}

TEST(HighmemVmap, VmallocTakesPagesOfItsOwn) {
  const unsigned long free = nr_free_highpages();
  auto* const area = static_cast<char*>(vzalloc(5 * PAGE_SIZE + 1));
  ASSERT_NE(area, nullptr);
  EXPECT_EQ(nr_free_highpages(), free - 6);
  EXPECT_EQ(area[5 * PAGE_SIZE], 0);
  std::memset(area, 1, 6 * PAGE_SIZE);
  vfree(area);
  vfree(nullptr);
  EXPECT_EQ(nr_free_highpages(), free);
  EXPECT_EQ(vmalloc(0), nullptr);
  EXPECT_EQ(vmalloc(totalhigh_pages() * 4 * PAGE_SIZE), nullptr);
  EXPECT_EQ(nr_free_highpages(), free);
}

TEST(HighmemVmap, ManyAreasComeAndGo) {
  for (int i = 0; i < 1000; ++i) {
    auto* const area = static_cast<char*>(vmalloc(2 * PAGE_SIZE));
    ASSERT_NE(area, nullptr);
    area[PAGE_SIZE] = 1;
    vfree(area);
  }
}

}  // namespace
