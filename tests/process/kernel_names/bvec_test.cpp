// kmapper/linux/bvec.h: parts of pages, and walks through them.
#include "kmapper/linux/bvec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

using Page = struct page;
using Parts = std::vector<std::pair<unsigned, unsigned>>;  // offset and length

class Bvec : public testing::Test {
 protected:
  ~Bvec() override { __free_pages(pages_, 1); }
  Page* const pages_ = alloc_pages(GFP_HIGHUSER | __GFP_ZERO | __GFP_COMP, 1);
};

TEST_F(Bvec, APartIsCopiedAndCleared) {
  bio_vec part;
  bvec_set_page(&part, pages_, 5, 100);
  memcpy_to_bvec(&part, "hello");
  char bytes[6] = {};
  memcpy_from_bvec(bytes, &part);
  EXPECT_STREQ(bytes, "hello");
  auto* const mapped = static_cast<char*>(bvec_kmap_local(&part));
  EXPECT_EQ(mapped[4], 'o');
  kunmap_local(mapped);
  memzero_bvec(&part);
  memcpy_from_page(bytes, pages_, 100, 5);
  EXPECT_EQ(std::string(bytes, 5), std::string(5, '\0'));
}

TEST_F(Bvec, APartOfAFolioIsInOneOfItsPages) {
  bio_vec part;
  bvec_set_folio(&part, page_folio(pages_), 10, PAGE_SIZE + 7);
  EXPECT_EQ(part.bv_page, pages_ + 1);
  EXPECT_EQ(part.bv_offset, 7U);
}

TEST_F(Bvec, APartOfLowMemoryHasAnAddress) {
  Page* const low = alloc_page(GFP_KERNEL);
  auto* const address = static_cast<char*>(page_address(low)) + 9;
  bio_vec part;
  bvec_set_virt(&part, address, 3);
  EXPECT_EQ(part.bv_page, low);
  EXPECT_EQ(bvec_virt(&part), address);
  __free_page(low);
}

TEST_F(Bvec, AWalkGivesWhatLiesInOnePage) {
  const bio_vec parts[] = {{pages_, 5000, 1000}, {pages_, 0, 0}, {pages_ + 1, 20, 30}};
  const bvec_iter start = {0, 5015, 0, 5};
  bvec_iter iter;
  bio_vec part;
  Parts found;
  for_each_bvec(part, parts, iter, start) {
    ASSERT_LT(found.size(), 3U);
    EXPECT_EQ(part.bv_page, found.empty() ? pages_ : pages_ + 1);
    found.emplace_back(part.bv_offset, part.bv_len);
  }
  EXPECT_EQ(found, (Parts{{1005, 3091}, {0, 1904}, {30, 20}}));
}

TEST_F(Bvec, AWalkOfWholePartsDoesNotSplitThem) {
  const bio_vec parts[] = {{pages_, 0, 0}, {pages_, 5000, 1000}, {pages_ + 1, 20, 30}};
  const bvec_iter start = {0, 5010, 0, 0};
  bvec_iter iter;
  bio_vec part;
  Parts found;
  for_each_mp_bvec(part, parts, iter, start) {
    ASSERT_LT(found.size(), 2U);
    found.emplace_back(part.bv_offset, part.bv_len);
  }
  EXPECT_EQ(found, (Parts{{1000, 5000}, {30, 10}}));
}

TEST_F(Bvec, AWalkDoesNotGoBeyondItsBytes) {
  const bio_vec parts[] = {{pages_, 100, 0}};
  bvec_iter iter = {0, 100, 0, 0};
  EXPECT_FALSE(bvec_iter_advance(parts, &iter, 101));
  EXPECT_EQ(iter.bi_size, 100U);
  EXPECT_TRUE(bvec_iter_advance(parts, &iter, 100));
  EXPECT_EQ(iter.bi_size, 0U);
  EXPECT_EQ(iter.bi_idx, 1U);
}

}  // namespace
