/* What code does with pages of the page cache, by the kernel's names: see kmapper/linux/highmem.h.
 * There is no page cache here: the program sets page->mapping and page->index itself. */
#ifndef KMAPPER_LINUX_PAGEMAP_H
#define KMAPPER_LINUX_PAGEMAP_H

#include "kmapper/linux/highmem.h"
#include "kmapper/linux/mm.h"

/* NOLINTBEGIN(readability-identifier-naming,modernize-use-nullptr,bugprone-reserved-identifier) */

#ifdef __cplusplus
extern "C" {
#endif

/* --- The lock of a page: another thread than the one that locked it may unlock it --- */

/* May sleep. A thread that would sleep for ever, because it locked the page itself and no other
 * thread can unlock it, is reported. */
KMAPPER_API void lock_page(struct page* page) KMAPPER_LINUX(lock_page);
#define lock_page_killable(page) (lock_page(page), 0)
KMAPPER_API bool trylock_page(struct page* page) KMAPPER_LINUX(trylock_page);
/* A mistake if the page is not locked. Any context. */
KMAPPER_API void unlock_page(struct page* page) KMAPPER_LINUX(unlock_page);
/* May sleep. */
KMAPPER_API void wait_on_page_locked(struct page* page) KMAPPER_LINUX(wait_on_page_locked);

#define folio_lock(folio) lock_page(&(folio)->page)
#define folio_lock_killable(folio) lock_page_killable(&(folio)->page)
#define folio_trylock(folio) trylock_page(&(folio)->page)
#define folio_unlock(folio) unlock_page(&(folio)->page)
#define folio_wait_locked(folio) wait_on_page_locked(&(folio)->page)
/* Ends a read: a folio that was read well is up to date. */
KMAPPER_INLINE void folio_end_read(struct folio* folio, bool success) {
  if (success) folio_mark_uptodate(folio);
  folio_unlock(folio);
}

/* --- Writeback --- */

/* A mistake if the page is under writeback already. */
KMAPPER_API void set_page_writeback(struct page* page) KMAPPER_LINUX(set_page_writeback);
/* A mistake if the page is not under writeback. Any context. */
KMAPPER_API void end_page_writeback(struct page* page) KMAPPER_LINUX(end_page_writeback);
/* May sleep. */
KMAPPER_API void wait_on_page_writeback(struct page* page) KMAPPER_LINUX(wait_on_page_writeback);

#define folio_start_writeback(folio) set_page_writeback(&(folio)->page)
#define folio_end_writeback(folio) end_page_writeback(&(folio)->page)
#define folio_wait_writeback(folio) wait_on_page_writeback(&(folio)->page)
#define wait_for_stable_page(page) wait_on_page_writeback(page)
#define folio_wait_stable(folio) wait_on_page_writeback(&(folio)->page)

/* --- What a file system keeps with a page --- */

#define page_private(page) ((page)->KMAPPER_PRIVATE)
#define set_page_private(page, value) ((void)((page)->KMAPPER_PRIVATE = (value)))
#define folio_get_private(folio) ((folio)->KMAPPER_PRIVATE)
KMAPPER_INLINE void attach_page_private(struct page* page, void* data) {
  get_page(page);
  set_page_private(page, (unsigned long)data);
  SetPagePrivate(page);
}
/* Returns what was attached; NULL: nothing was. */
KMAPPER_INLINE void* detach_page_private(struct page* page) {
  void* data = (void*)page_private(page);
  if (!PagePrivate(page)) return NULL;
  ClearPagePrivate(page);
  set_page_private(page, 0);
  put_page(page);
  return data;
}
#define folio_attach_private(folio, data) attach_page_private(&(folio)->page, data)
#define folio_detach_private(folio) detach_page_private(&(folio)->page)

/* --- Where a page is in its file, in pages and in bytes --- */

#define page_index(page) ((page)->index)
#define page_pgoff(folio, page) ((folio)->index + folio_page_idx(folio, page))
#define page_mapping(page) ((page)->mapping)
#define folio_mapping(folio) ((folio)->mapping)
#define page_offset(page) ((long long)(page)->index << PAGE_SHIFT)
#define page_file_offset(page) page_offset(page)
#define folio_pos(folio) ((long long)(folio)->index << PAGE_SHIFT)
#define folio_file_pos(folio) folio_pos(folio)
#define folio_next_index(folio) ((folio)->index + (pgoff_t)folio_nr_pages(folio))
#define folio_contains(folio, at) ((at) - (folio)->index < (pgoff_t)folio_nr_pages(folio))
#define folio_file_page(folio, at) folio_page(folio, (at) & ((pgoff_t)folio_nr_pages(folio) - 1))

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming,modernize-use-nullptr,bugprone-reserved-identifier) */

#endif
