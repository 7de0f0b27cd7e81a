// kmapper/linux/scatterlist.h: entries that span pages, chains, and walks through high memory.
#include "kmapper/linux/scatterlist.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pages.hpp"

namespace {

using kmapper::process::Pages;
using Page = struct page;

std::string numbers(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

std::string read_page(Page* page, std::size_t offset, std::size_t size) {
  std::string bytes(size, '?');
  memcpy_from_page(bytes.data(), page, offset, size);
  return bytes;
}

/// Two entries: 10,000 bytes from byte 1000 of four pages on, and 50 bytes of another page.
class TwoEntries : public testing::Test {
 protected:
  void SetUp() override {
    sg_init_table(list_, 2);
    sg_set_page(&list_[0], many_.first(), 10'000, 1000);
    sg_set_page(&list_[1], one_.first(), 50, 4000);
  }
  Pages many_{2};
  Pages one_{0};
  scatterlist list_[2];
};

TEST_F(TwoEntries, AreCounted) {
  EXPECT_EQ(sg_nents(list_), 2);
  EXPECT_EQ(sg_nents_for_len(list_, 10'000), 1);
  EXPECT_EQ(sg_nents_for_len(list_, 10'001), 2);
  EXPECT_EQ(sg_nents_for_len(list_, 10'051), -1);
  EXPECT_EQ(sg_nents_for_len(list_, 0), 0);
  EXPECT_EQ(sg_last(list_, 2), &list_[1]);
  EXPECT_EQ(sg_next(&list_[1]), nullptr);
  EXPECT_EQ(sg_phys(&list_[0]), page_to_phys(many_.first()) + 1000);
}

TEST_F(TwoEntries, AreCopiedAcrossPages) {
  const std::string text = numbers(10'050);
  EXPECT_EQ(sg_copy_from_buffer(list_, 2, text.data(), text.size()), text.size());
  EXPECT_EQ(read_page(many_.first(), 1000, 3096), text.substr(0, 3096));
  EXPECT_EQ(read_page(many_.first() + 1, 0, 4096), text.substr(3096, 4096));
  EXPECT_EQ(read_page(many_.first() + 2, 0, 2808), text.substr(7192, 2808));
  EXPECT_EQ(read_page(one_.first(), 4000, 50), text.substr(10'000));
  std::string read(20'000, '?');
  EXPECT_EQ(sg_copy_to_buffer(list_, 2, read.data(), read.size()), text.size());
  EXPECT_EQ(read.substr(0, text.size()), text);
}

TEST_F(TwoEntries, AreCopiedFromAByteOn) {
  const std::string text = numbers(10'050);
  sg_copy_from_buffer(list_, 2, text.data(), text.size());
  std::string read(200, '?');
  EXPECT_EQ(sg_pcopy_to_buffer(list_, 2, read.data(), read.size(), 9'990), 60U);
  EXPECT_EQ(read.substr(0, 60), text.substr(9'990));
  EXPECT_EQ(sg_pcopy_to_buffer(list_, 2, read.data(), 100, 4000), 100U);
  EXPECT_EQ(read.substr(0, 100), text.substr(4000, 100));
  EXPECT_EQ(sg_pcopy_from_buffer(list_, 2, "xyz", 3, 3095), 3U);
  EXPECT_EQ(read_page(many_.first(), 4095, 1) + read_page(many_.first() + 1, 0, 2), "xyz");
  EXPECT_EQ(sg_pcopy_to_buffer(list_, 2, read.data(), 1, 10'050), 0U);
  EXPECT_EQ(sg_zero_buffer(list_, 2, 5000, 10'000), 50U);
  EXPECT_EQ(read_page(one_.first(), 4000, 50), std::string(50, '\0'));
}

TEST_F(TwoEntries, AreMappedPartByPart) {
  for (const unsigned flags : {0U, SG_MITER_LOCAL, SG_MITER_ATOMIC}) {
    sg_mapping_iter iter;
    std::vector<std::size_t> parts;
    sg_miter_start(&iter, list_, 2, flags | SG_MITER_TO_SG);
    while (sg_miter_next(&iter)) {
      EXPECT_EQ(is_kmap_addr(iter.addr), true);
      EXPECT_EQ(preempt_count(), flags == SG_MITER_ATOMIC ? 1 : 0);
      static_cast<char*>(iter.addr)[iter.length - 1] = 'e';
      parts.push_back(iter.length);
    }
    sg_miter_stop(&iter);
    EXPECT_EQ(parts, (std::vector<std::size_t>{3096, 4096, 2808, 50}));
    EXPECT_EQ(read_page(one_.first(), 4049, 1), "e");
    EXPECT_EQ(preempt_count(), 0);
  }
}

TEST_F(TwoEntries, WhatTheCallerDidNotConsumeComesAgain) {
  sg_mapping_iter iter;
  sg_miter_start(&iter, list_, 2, SG_MITER_LOCAL | SG_MITER_FROM_SG);
  ASSERT_TRUE(sg_miter_next(&iter));
  iter.consumed = 96;
  ASSERT_TRUE(sg_miter_next(&iter));
  EXPECT_EQ(iter.length, 3000U);
  ASSERT_TRUE(sg_miter_skip(&iter, 4096 + 8));
  ASSERT_TRUE(sg_miter_next(&iter));
  EXPECT_EQ(iter.length, 2800U);
  EXPECT_EQ(iter.page, many_.first() + 2);
  sg_miter_stop(&iter);
}

TEST_F(TwoEntries, HavePages) {
  sg_page_iter iter;
  std::vector<Page*> pages;
  for_each_sg_page(list_, &iter, 2, 0) pages.push_back(sg_page_iter_page(&iter));
  Page* const first = many_.first();
  EXPECT_EQ(pages, (std::vector<Page*>{first, first + 1, first + 2, one_.first()}));
  pages.clear();
  for_each_sg_page(list_, &iter, 2, 2) pages.push_back(sg_page_iter_page(&iter));
  EXPECT_EQ(pages, (std::vector<Page*>{first + 2, one_.first()}));
}

TEST(Scatterlist, AnAddressInLowMemoryBecomesAnEntry) {
  auto* const object = static_cast<char*>(kmalloc(100, GFP_KERNEL));
  scatterlist entry;
  sg_init_one(&entry, object + 10, 20);
  EXPECT_EQ(sg_virt(&entry), object + 10);
  EXPECT_TRUE(sg_is_last(&entry));
  EXPECT_EQ(sg_copy_from_buffer(&entry, 1, "abc", 3), 3U);
  EXPECT_EQ(std::string(object + 10, 3), "abc");
  sg_unmark_end(&entry);
  EXPECT_FALSE(sg_is_last(&entry));
  sg_mark_end(&entry);
  kfree(object);
}

TEST(Scatterlist, ChainsAreFollowed) {
  Pages pages(1);
  scatterlist first[3];
  scatterlist second[2];
  sg_init_table(first, 3);
  sg_init_table(second, 2);
  sg_set_page(&first[0], pages.first(), 1, 0);
  sg_set_page(&first[1], pages.first(), 2, 1);
  sg_chain(first, 3, second);
  sg_set_page(&second[0], pages.first(), 3, 3);
  sg_set_page(&second[1], pages.first() + 1, 4, 0);
  EXPECT_TRUE(sg_is_chain(&first[2]));
  EXPECT_EQ(sg_nents(first), 4);
  scatterlist* entry = nullptr;
  int i = 0;
  unsigned total = 0;
  for_each_sg(first, entry, 4, i) total += entry->length;
  EXPECT_EQ(total, 10U);
  EXPECT_EQ(sg_copy_from_buffer(first, 4, "0123456789", 10), 10U);
  EXPECT_EQ(read_page(pages.first(), 0, 6) + read_page(pages.first() + 1, 0, 4), "0123456789");
}

}  // namespace
