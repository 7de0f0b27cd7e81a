/* The flags of pages and folios, by the kernel's names: see kmapper/linux/highmem.h. Any context.
 * Each call is atomic, those with __ too. A call for a page that is not allocated is a mistake. */
#ifndef KMAPPER_LINUX_PAGE_FLAGS_H
#define KMAPPER_LINUX_PAGE_FLAGS_H

#include "kmapper/linux/mm_types.h"

/* NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier) */

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of page->flags. Their numbers are not the kernel's. */
enum pageflags {
  PG_locked,
  PG_writeback,
  PG_referenced,
  PG_uptodate,
  PG_dirty,
  PG_lru,
  PG_active,
  PG_workingset,
  PG_error,
  PG_owner_priv_1,
  PG_arch_1,
  PG_reserved,
  PG_private,
  PG_private_2,
  PG_mappedtodisk,
  PG_reclaim,
  PG_swapbacked,
  PG_unevictable,
  PG_hwpoison,
  PG_checked = PG_owner_priv_1,
  PG_fscache = PG_private_2,
  PG_readahead = PG_reclaim
};

enum kmapper_flag_operation {
  KMAPPER_FLAG_TEST,
  KMAPPER_FLAG_SET,
  KMAPPER_FLAG_CLEAR,
  KMAPPER_FLAG_TEST_AND_SET,
  KMAPPER_FLAG_TEST_AND_CLEAR
};

/* Returns what the bit was before the operation. */
KMAPPER_API int kmapper_page_flag(const struct page* page, int flag, int operation)
    KMAPPER_LINUX(page_flag);

#define KMAPPER_PAGE_FLAG(Name, name, flag)                                                        \
  KMAPPER_INLINE int Page##Name(const struct page* page) {                                         \
    return kmapper_page_flag(page, flag, KMAPPER_FLAG_TEST);                                       \
  }                                                                                                \
  KMAPPER_INLINE void SetPage##Name(struct page* page) {                                           \
    kmapper_page_flag(page, flag, KMAPPER_FLAG_SET);                                               \
  }                                                                                                \
  KMAPPER_INLINE void __SetPage##Name(struct page* page) {                                         \
    kmapper_page_flag(page, flag, KMAPPER_FLAG_SET);                                               \
  }                                                                                                \
  KMAPPER_INLINE void ClearPage##Name(struct page* page) {                                         \
    kmapper_page_flag(page, flag, KMAPPER_FLAG_CLEAR);                                             \
  }                                                                                                \
  KMAPPER_INLINE void __ClearPage##Name(struct page* page) {                                       \
    kmapper_page_flag(page, flag, KMAPPER_FLAG_CLEAR);                                             \
  }                                                                                                \
  KMAPPER_INLINE int TestSetPage##Name(struct page* page) {                                        \
    return kmapper_page_flag(page, flag, KMAPPER_FLAG_TEST_AND_SET);                               \
  }                                                                                                \
  KMAPPER_INLINE int TestClearPage##Name(struct page* page) {                                      \
    return kmapper_page_flag(page, flag, KMAPPER_FLAG_TEST_AND_CLEAR);                             \
  }                                                                                                \
  KMAPPER_INLINE bool folio_test_##name(const struct folio* folio) {                               \
    return Page##Name(&folio->page) != 0;                                                          \
  }                                                                                                \
  KMAPPER_INLINE void folio_set_##name(struct folio* folio) { SetPage##Name(&folio->page); }       \
  KMAPPER_INLINE void __folio_set_##name(struct folio* folio) { SetPage##Name(&folio->page); }     \
  KMAPPER_INLINE void folio_clear_##name(struct folio* folio) { ClearPage##Name(&folio->page); }   \
  KMAPPER_INLINE void __folio_clear_##name(struct folio* folio) { ClearPage##Name(&folio->page); } \
  KMAPPER_INLINE bool folio_test_set_##name(struct folio* folio) {                                 \
    return TestSetPage##Name(&folio->page) != 0;                                                   \
  }                                                                                                \
  KMAPPER_INLINE bool folio_test_clear_##name(struct folio* folio) {                               \
    return TestClearPage##Name(&folio->page) != 0;                                                 \
  }

KMAPPER_PAGE_FLAG(Locked, locked, PG_locked)
KMAPPER_PAGE_FLAG(Writeback, writeback, PG_writeback)
KMAPPER_PAGE_FLAG(Referenced, referenced, PG_referenced)
KMAPPER_PAGE_FLAG(Uptodate, uptodate, PG_uptodate)
KMAPPER_PAGE_FLAG(Dirty, dirty, PG_dirty)
KMAPPER_PAGE_FLAG(LRU, lru, PG_lru)
KMAPPER_PAGE_FLAG(Active, active, PG_active)
KMAPPER_PAGE_FLAG(Workingset, workingset, PG_workingset)
KMAPPER_PAGE_FLAG(Error, error, PG_error)
KMAPPER_PAGE_FLAG(OwnerPriv1, owner_priv_1, PG_owner_priv_1)
KMAPPER_PAGE_FLAG(Checked, checked, PG_checked)
KMAPPER_PAGE_FLAG(Reserved, reserved, PG_reserved)
KMAPPER_PAGE_FLAG(Private, private, PG_private)
KMAPPER_PAGE_FLAG(Private2, private_2, PG_private_2)
KMAPPER_PAGE_FLAG(FsCache, fscache, PG_fscache)
KMAPPER_PAGE_FLAG(MappedToDisk, mappedtodisk, PG_mappedtodisk)
KMAPPER_PAGE_FLAG(Reclaim, reclaim, PG_reclaim)
KMAPPER_PAGE_FLAG(Readahead, readahead, PG_readahead)
KMAPPER_PAGE_FLAG(SwapBacked, swapbacked, PG_swapbacked)
KMAPPER_PAGE_FLAG(Unevictable, unevictable, PG_unevictable)
KMAPPER_PAGE_FLAG(HWPoison, hwpoison, PG_hwpoison)

KMAPPER_INLINE void folio_mark_uptodate(struct folio* folio) { folio_set_uptodate(folio); }
/* Returns whether the page was clean before. */
KMAPPER_INLINE int set_page_dirty(struct page* page) { return !TestSetPageDirty(page); }
KMAPPER_INLINE bool folio_mark_dirty(struct folio* folio) { return !folio_test_set_dirty(folio); }
KMAPPER_INLINE int clear_page_dirty_for_io(struct page* page) { return TestClearPageDirty(page); }
KMAPPER_INLINE bool folio_clear_dirty_for_io(struct folio* folio) {
  return folio_test_clear_dirty(folio);
}

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier) */

#endif
