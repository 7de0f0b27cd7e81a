// Counts, flags and locks of pages, and the ways to allocate them: kmapper/linux/{mm,gfp}.h.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "is_readable.hpp"
#include "kmapper/linux/pagemap.h"

namespace {

using Page = struct page;
using kmapper::process::is_readable;

TEST(HighmemPage, IsFreedWithItsLastCount) {
  const unsigned long free = nr_free_highpages();
  Page* const page = alloc_page(GFP_HIGHUSER);
  EXPECT_EQ(page_count(page), 1);
  get_page(page);
  EXPECT_TRUE(try_get_page(page));
  EXPECT_EQ(page_ref_count(page), 3);
  put_page(page);
  __free_page(page);
  EXPECT_EQ(nr_free_highpages(), free - 1);
  put_page(page);
  EXPECT_EQ(nr_free_highpages(), free);
}

TEST(HighmemPage, OfACompoundPageSharesItsCount) {
  const unsigned long free = nr_free_highpages();
  Page* const pages = alloc_pages(GFP_HIGHUSER | __GFP_COMP, 2);
  EXPECT_EQ(compound_head(pages + 3), pages);
  EXPECT_EQ(compound_order(pages), 2U);
  EXPECT_EQ(compound_order(pages + 1), 0U);
  EXPECT_TRUE(PageCompound(pages + 1));
  EXPECT_EQ(compound_nr(pages), 4U);
  EXPECT_EQ(page_size(pages), 4 * PAGE_SIZE);
  EXPECT_TRUE(PageHead(pages));
  EXPECT_FALSE(PageHead(pages + 1));
  EXPECT_TRUE(PageTail(pages + 1));
  get_page(pages + 2);
  EXPECT_EQ(page_count(pages + 3), 2);
  put_page(pages + 1);
  put_page(pages + 3);
  EXPECT_EQ(nr_free_highpages(), free);
}

TEST(HighmemPage, OfACompoundPageSharesItsFlags) {
  Page* const pages = alloc_pages(GFP_HIGHUSER | __GFP_COMP, 1);
  SetPageUptodate(pages);
  EXPECT_TRUE(PageUptodate(pages + 1));
  lock_page(pages + 1);
  EXPECT_TRUE(PageLocked(pages));
  unlock_page(pages);
  SetPagePrivate(pages + 1);  // of each page
  EXPECT_FALSE(PagePrivate(pages));
  ClearPagePrivate(pages + 1);
  zero_user(pages, PAGE_SIZE - 1, 2);
  put_page(pages);
}

// The first page is freed with its last count, the others at once.
TEST(HighmemPage, OfSeveralMayOutliveTheOthers) {
  const unsigned long free = nr_free_highpages();
  Page* const pages = alloc_pages(GFP_HIGHUSER, 2);
  get_page(pages);
  __free_pages(pages, 2);
  EXPECT_EQ(nr_free_highpages(), free - 1);
  put_page(pages);
  EXPECT_EQ(nr_free_highpages(), free);
}

TEST(HighmemPage, ThatIsFreeCannotBeHad) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  put_page(page);
  EXPECT_FALSE(try_get_page(page));
}

TEST(HighmemPage, SplittingKeepsTheFirstPagesCount) {
  Page* const pages = alloc_pages(GFP_HIGHUSER, 1);
  get_page(pages);
  split_page(pages, 1);
  EXPECT_EQ(page_count(pages), 2);
  put_page(pages);
  put_page(pages);
  put_page(pages + 1);
}

// A kernel needs no slot for a low page.
TEST(HighmemPage, LowPagesAreMappedBeyondTheLimitOfHighOnes) {
  Page* const page = alloc_page(GFP_KERNEL);
  for (int i = 0; i < 40; ++i) (void)kmap_local_page(page);
  for (int i = 0; i < 40; ++i) kunmap_local(page_address(page));
  put_page(page);
}

// The thread that unlocks may have ended when the sleeper looks for it.
TEST(HighmemPage, AThreadThatEndsHasUnlocked) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  for (int i = 0; i < 2000; ++i) {
    lock_page(page);
    std::thread([page] { unlock_page(page); }).detach();
    lock_page(page);
    unlock_page(page);
  }
  put_page(page);
}

TEST(HighmemPage, OfASplitAllocationHasACountOfItsOwn) {
  const unsigned long free = nr_free_highpages();
  Page* const pages = alloc_pages(GFP_HIGHUSER, 1);
  split_page(pages, 1);
  put_page(pages);
  EXPECT_EQ(nr_free_highpages(), free - 1);
  put_page(pages + 1);
  EXPECT_EQ(nr_free_highpages(), free);
}

TEST(HighmemPage, HasFieldsThatBeginWithZeros) {
  Page* page = alloc_page(GFP_HIGHUSER);
  EXPECT_EQ(page->index, 0U);
  page->index = 7;
  SetPageUptodate(page);
  EXPECT_EQ(page_offset(page), 7 * 4096);
  attach_page_private(page, &page);
  EXPECT_EQ(page_count(page), 2);
  EXPECT_TRUE(PagePrivate(page));
  EXPECT_EQ(page_private(page), reinterpret_cast<unsigned long>(&page));
  EXPECT_EQ(detach_page_private(page), &page);
  EXPECT_EQ(detach_page_private(page), nullptr);
  put_page(page);
  std::vector<Page*> all;  // one of them is the page of before
  for (unsigned long i = totalhigh_pages(); i != 0; --i) {
    all.push_back(alloc_page(GFP_HIGHUSER));
    ASSERT_EQ(all.back()->index, 0U);
    ASSERT_FALSE(PageUptodate(all.back()));
  }
  for (Page* const it : all) __free_page(it);
}

TEST(HighmemPage, FlagsAreSeparate) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  EXPECT_TRUE(set_page_dirty(page));
  EXPECT_FALSE(set_page_dirty(page));
  EXPECT_TRUE(PageDirty(page));
  EXPECT_FALSE(PageUptodate(page));
  SetPageChecked(page);
  EXPECT_EQ(page->flags, 1UL << PG_dirty | 1UL << PG_checked);
  EXPECT_TRUE(TestClearPageDirty(page));
  EXPECT_FALSE(clear_page_dirty_for_io(page));
  folio* const folio = page_folio(page);
  folio_mark_uptodate(folio);
  EXPECT_TRUE(folio_test_uptodate(folio));
  EXPECT_TRUE(PageUptodate(page));
  put_page(page);
}

TEST(HighmemPage, LockKeepsOthersOut) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  lock_page(page);
  EXPECT_TRUE(PageLocked(page));
  EXPECT_FALSE(trylock_page(page));
  std::atomic<bool> has_lock{false};
  std::jthread other([&] {
    lock_page(page);
    has_lock = true;
    unlock_page(page);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(has_lock);
  unlock_page(page);
  other.join();
  EXPECT_TRUE(has_lock);
  wait_on_page_locked(page);
  put_page(page);
}

// As a disk does when it has read the page.
TEST(HighmemPage, AnotherThreadMayUnlock) {
  Page* const page = alloc_page(GFP_HIGHUSER);
  lock_page(page);
  set_page_writeback(page);
  std::jthread disk([page] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    end_page_writeback(page);
    SetPageUptodate(page);
    unlock_page(page);
  });
  lock_page(page);
  EXPECT_TRUE(PageUptodate(page));
  EXPECT_FALSE(PageWriteback(page));
  wait_on_page_writeback(page);
  unlock_page(page);
  disk.join();
  put_page(page);
}

TEST(HighmemPage, ExactAllocationsTakeNoMoreThanTheyNeed) {
  auto* const bytes = static_cast<char*>(alloc_pages_exact(5 * PAGE_SIZE - 3, GFP_KERNEL));
  ASSERT_NE(bytes, nullptr);
  std::memset(bytes, 1, 5 * PAGE_SIZE);
  EXPECT_EQ(page_count(virt_to_page(bytes) + 4), 1);
  EXPECT_FALSE(is_readable(bytes + 5 * PAGE_SIZE));
  free_pages_exact(bytes, 5 * PAGE_SIZE - 3);
  EXPECT_FALSE(is_readable(bytes));
}

TEST(HighmemPage, BulkAllocationFillsWhatIsMissing) {
  Page* pages[4] = {nullptr, alloc_page(GFP_HIGHUSER), nullptr, nullptr};
  Page* const mine = pages[1];
  EXPECT_EQ(alloc_pages_bulk(GFP_HIGHUSER, 4, pages), 4U);
  EXPECT_EQ(pages[1], mine);
  for (Page* const page : pages) {
    ASSERT_NE(page, nullptr);
    put_page(page);
  }
}

TEST(HighmemPage, ALowPageIsInaccessibleAfterItWasFreed) {
  Page* const page = alloc_page(GFP_KERNEL);
  void* const address = page_to_virt(page);
  EXPECT_TRUE(is_readable(address));
  EXPECT_TRUE(virt_addr_valid(address));
  EXPECT_EQ(virt_to_phys(static_cast<char*>(address) + 5), page_to_phys(page) + 5);
  EXPECT_EQ(phys_to_virt(page_to_phys(page)), address);
  __free_page(page);
  EXPECT_FALSE(is_readable(address));
}

TEST(HighmemPage, TheZeroPageHasZeros) {
  Page* const zero = ZERO_PAGE(0);
  EXPECT_TRUE(is_zero_pfn(page_to_pfn(zero)));
  auto* const bytes = static_cast<char*>(kmap_local_page(zero));
  for (unsigned long i = 0; i < PAGE_SIZE; ++i) ASSERT_EQ(bytes[i], 0);
  kunmap_local(bytes);
  get_page(zero);
  put_page(zero);
}

TEST(HighmemPage, SectionsNest) {
  EXPECT_TRUE(preemptible());
  EXPECT_FALSE(pagefault_disabled());
  Page* const page = alloc_page(GFP_HIGHUSER);
  preempt_disable();
  void* const address = kmap_atomic(page);
  EXPECT_EQ(preempt_count(), 2);
  EXPECT_TRUE(in_atomic());
  EXPECT_TRUE(pagefault_disabled());
  kunmap_atomic(address);
  preempt_enable();
  might_sleep();
  pagefault_disable();
  EXPECT_TRUE(pagefault_disabled());
  might_sleep();  // allowed: only page faults are off
  pagefault_enable();
  put_page(page);
}

TEST(HighmemPage, AllocationsAreAlignedToTheirSize) {
  for (const unsigned order : {0U, 3U, 10U}) {
    const unsigned long address = __get_free_pages(GFP_KERNEL, order);
    EXPECT_EQ(address % (PAGE_SIZE << order), 0U) << order;
    free_pages(address, order);
  }
}

TEST(HighmemPage, OrdersFitSizes) {
  EXPECT_EQ(get_order(1), 0);
  EXPECT_EQ(get_order(PAGE_SIZE), 0);
  EXPECT_EQ(get_order(PAGE_SIZE + 1), 1);
  EXPECT_EQ(get_order(9 * PAGE_SIZE), 4);
  EXPECT_EQ(PAGE_ALIGN(PAGE_SIZE + 1), 2 * PAGE_SIZE);
  EXPECT_TRUE(PAGE_ALIGNED(2 * PAGE_SIZE));
  EXPECT_FALSE(PAGE_ALIGNED(1));
}

}  // namespace
