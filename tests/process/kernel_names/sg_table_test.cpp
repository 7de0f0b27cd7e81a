// Tables of kmapper/linux/scatterlist.h.
#include <gtest/gtest.h>

#include <cerrno>

#include "kmapper/linux/scatterlist.h"
#include "pages.hpp"

namespace {

using kmapper::process::Pages;
using Page = struct page;

TEST(SgTable, HasAsManyEntriesAsWereAskedFor) {
  for (const unsigned count : {1U, 2U, 127U, 128U, 129U, 255U, 256U, 1000U}) {
    sg_table table;
    ASSERT_EQ(sg_alloc_table(&table, count, GFP_KERNEL), 0);
    EXPECT_EQ(table.orig_nents, count);
    EXPECT_EQ(sg_nents(table.sgl), static_cast<int>(count));
    scatterlist* entry = nullptr;
    unsigned i = 0;
    for_each_sgtable_sg(&table, entry, i) entry->length = 1;
    EXPECT_EQ(i, count);
    sg_free_table(&table);
    EXPECT_EQ(table.sgl, nullptr);
  }
  sg_table table;
  EXPECT_EQ(sg_alloc_table(&table, 0, GFP_KERNEL), -EINVAL);
}

TEST(SgTable, PagesInARowShareAnEntry) {
  Pages row(2);
  Pages other(0);
  Page* pages[] = {row.first(), row.first() + 1, other.first(), row.first() + 3};
  if (other.first() == row.first() + 4) pages[3] = row.first();
  sg_table table;
  ASSERT_EQ(sg_alloc_table_from_pages(&table, pages, 4, 100, 3 * PAGE_SIZE, GFP_KERNEL), 0);
  EXPECT_EQ(table.orig_nents, 3U);
  EXPECT_EQ(table.sgl[0].offset, 100U);
  EXPECT_EQ(table.sgl[0].length, 2 * PAGE_SIZE - 100);
  EXPECT_EQ(table.sgl[1].length, PAGE_SIZE);
  EXPECT_EQ(table.sgl[2].length, 100U);
  EXPECT_EQ(sg_page(&table.sgl[2]), pages[3]);
  sg_free_table(&table);
}

}  // namespace
