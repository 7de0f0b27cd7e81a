// All of VmapRange. Include it in one source file of a platform and instantiate it there: `template
// class kmapper::VmapRange<MyPlatform>;`.
//
// Sets of pages are bitmaps. To find a run, take_run() looks for a free page and then for the next
// page that is not free. The thread that has taken a run, or an area's size out of sizes_, is the
// only one that uses its pages. So PTEs change without the lock, and interrupts are off only while
// bits change.
#pragma once

#include "kmapper/core/vmap.hpp"

namespace kmapper {

template <class P>
void VmapRange<P>::open(uint32_t pages) {
  page_count_ = pages;
  insert(clean_, {0, pages});
}

template <class P>
Result<void*> VmapRange<P>::vmap(Span<const Page> pages) {
  const Result<VmapPage> run = take_run_for(pages.size());
  if (!run) return run.error();
  const uint32_t first = to_number(*run);
  for (uint32_t i = 0; i < pages.size(); ++i)
    platform_.write_vmap_pte(VmapPage{first + i}, pages[i]);
  // Release: pairs with take_area() and area_at(). The caller publishes the address itself.
  sizes_[first].store(static_cast<uint32_t>(pages.size()) + kGuard, memory_order_release);
  return platform_.vmap_address(*run);
}

/// Takes a run for an area of so many pages and its guard.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline Result<VmapPage> VmapRange<P>::take_run_for(size_t pages) {
  if (pages >= page_count_) return MapError::too_large;
  const uint32_t size = static_cast<uint32_t>(pages) + kGuard;
  const uint32_t first = take_run(size);
  if (first != kNone) [[likely]]
    return VmapPage{first};
  return flush_for_run(size);
}

/// Takes a run of so many pages when there was none a moment ago: flushes for it if the caller may.
template <class P>
[[gnu::noinline]] Result<VmapPage> VmapRange<P>::flush_for_run(uint32_t pages) {
  for (;;) {
    const CleanUp came_to = clean_up();
    const uint32_t first = take_run(pages);
    if (first != kNone) return VmapPage{first};
    if (came_to == CleanUp::nothing_dirty) return MapError::no_room;
    if (came_to == CleanUp::may_not_wait) return MapError::would_sleep;
  }
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER void VmapRange<P>::unmap(const void* address) {
  const Run area = take_area(address, 0);
  if (area.end == 0) [[unlikely]]
    return report_wrong(Misuse::vunmap_wrong_address, address, __builtin_return_address(0));
  bool accessed = false;
  for (uint32_t page = area.first; page != area.end - kGuard; ++page)
    accessed |= platform_.take_vmap_pte(VmapPage{page});
  put_back(area, accessed, 0);
}

/// Frees the page that a hidden PTE remembers, if it does.
template <class P>
void VmapRange<P>::free_hidden(VmapPage at) {
  if constexpr (VmallocPlatform<P>) {
    const Page page = platform_.take_hidden_page(at);
    if (page != Page{}) platform_.free_page(page);
  }
}

/// Frees the memory that waited for the flush of these pages.
template <class P>
void VmapRange<P>::free_flushed(const PageSet& flushed) {
  for (uint32_t at = next(flushed, 0, 0, page_count_); at < page_count_;
       at = next(flushed, 0, at + 1, page_count_)) {
    free_hidden(VmapPage{at});
  }
}

/// Takes the size of the area that begins at the address out of sizes_: the caller alone has the
/// area from now on. Its end is 0: no area begins there, or one of the other kind.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline auto VmapRange<P>::take_area(const void* address,
                                                             uint32_t owns_pages) -> Run {
  const uint32_t first = number_of(address);
  if (first == kNone) return {0, 0};
  // Acquire: pairs with vmap() and vmalloc(). When two threads unmap the same area, one of them
  // finds its size; the other has made a mistake.
  uint32_t size = sizes_[first].load(memory_order_relaxed);
  if (size == 0 || (size & kOwnsPages) != owns_pages ||
      !sizes_[first].compare_exchange_strong(size, 0, memory_order_acq_rel, memory_order_relaxed))
    return {0, 0};
  return {first, first + (size & ~kOwnsPages)};
}

template <class P>
void VmapRange<P>::report_wrong(Misuse misuse, const void* address, const void* caller) {
  platform_.report(MisuseReport<P>{misuse, Page{}, kNoSlot, {}, address, caller});
}

/// Takes the lowest run of clean pages that is long enough, and counts an area. kNone: there is
/// none.
template <class P>
uint32_t VmapRange<P>::take_run(uint32_t pages) {
  lock_.lock();
  uint32_t at = lowest_ = next(clean_, 0, lowest_, page_count_);
  for (uint32_t left = kMostExamined; at + pages <= page_count_;) {
    const uint32_t end = next(clean_, ~Bits{0}, at, at + pages);
    if (end == at + pages) {
      remove(clean_, {at, end});
      if (at == lowest_) lowest_ = end;
      ++areas_;
      used_pages_ += pages;
      lock_.unlock();
      return at;
    }
    if (--left == 0) {
      left = kMostExamined;
      lock_.unlock();  // lets interrupts in
      lock_.lock();
    }
    at = next(clean_, 0, end, page_count_);
  }
  lock_.unlock();
  return kNone;
}

/// Takes the pages of an area that is no longer used. Pages without an access are in no TLB.
/// `waiting`: pages of memory that are to be freed after the flush.
template <class P>
KMAPPER_INLINE_FOR_SPEED inline void VmapRange<P>::put_back(Run run, bool accessed,
                                                            uint32_t waiting) {
  const uint32_t pages = run.end - run.first;
  lock_.lock();
  --areas_;
  used_pages_ -= pages;
  if (accessed) {
    dirty_pages_ += pages;
    waiting_pages_ += waiting;
    insert(dirty_[filling_], run);
  } else {
    lowest_ = library::smaller(lowest_, run.first);
    insert(clean_, run);
  }
  lock_.unlock();
}

/// Flushes all dirty pages, or waits for the thread that is flushing them.
template <class P>
auto VmapRange<P>::clean_up() -> CleanUp {
  const bool may_flush = platform_.may_flush();  // asked before the lock is held
  const bool may_wait = platform_.may_sleep();
  lock_.lock();
  if (flushing_.load(memory_order_relaxed) != 0) {
    lock_.unlock();
    // The flushing thread may have been preempted by the caller, so not every caller may wait.
    if (!may_wait) return CleanUp::may_not_wait;
    while (flushing_.load(memory_order_relaxed) != 0) platform_.relax();
    return CleanUp::waited;
  }
  if (dirty_pages_ == 0 || !may_flush) {
    const bool dirty = dirty_pages_ != 0;
    lock_.unlock();
    return dirty ? CleanUp::may_not_wait : CleanUp::nothing_dirty;
  }
  PageSet& flushed = dirty_[filling_];
  filling_ = 1 - filling_;
  dirty_pages_ = 0;
  const bool frees = flush_frees_ = library::exchange(waiting_pages_, 0) != 0;
  flushing_.store(1, memory_order_relaxed);
  lock_.unlock();
  platform_.flush_vmap();
  if (frees) free_flushed(flushed);
  lock_.lock();
  for (uint32_t i = 0; i < kWords; ++i) {
    clean_[i] |= flushed[i];
    flushed[i] = 0;
  }
  lowest_ = 0;
  ++flushes_;
  flush_frees_ = false;
  flushing_.store(0, memory_order_relaxed);
  lock_.unlock();
  return CleanUp::done;
}

template <class P>
auto VmapRange<P>::usage() -> Usage {
  lock_.lock();
  Usage usage{areas_, used_pages_, dirty_pages_, waiting_pages_, 0, flushes_};
  PageSet unused;
  for (uint32_t i = 0; i < kWords; ++i) unused[i] = clean_[i] | dirty_[0][i] | dirty_[1][i];
  lock_.unlock();
  for (uint32_t at = 0; at < page_count_;) {
    at = next(unused, 0, at, page_count_);
    const uint32_t end = next(unused, ~Bits{0}, at, page_count_);
    if (usage.largest_run < end - at) usage.largest_run = end - at;
    at = end;
  }
  return usage;
}

template <class P>
uint32_t VmapRange<P>::area_at(VmapPage first) const {
  return sizes_[to_number(first)].load(memory_order_acquire) & ~kOwnsPages;
}

/// The page of the range that begins at the address; kNone: none does.
template <class P>
uint32_t VmapRange<P>::number_of(const void* address) const {
  const uintptr_t offset = reinterpret_cast<uintptr_t>(address) -
                           reinterpret_cast<uintptr_t>(platform_.vmap_address(VmapPage{0}));
  if (offset % P::kPageSize != 0 || offset / P::kPageSize >= page_count_) return kNone;
  return static_cast<uint32_t>(offset / P::kPageSize);
}

// --- Sets of pages ---

/// The first page at or after `from` and below `end` that is in the set; `end` if there is none.
/// With all bits `inverted`: the first that is not in the set.
template <class P>
uint32_t VmapRange<P>::next(const PageSet& set, Bits inverted, uint32_t from, uint32_t end) {
  if (from >= end) return end;
  uint32_t word = from / kBits;
  Bits bits = (set[word] ^ inverted) & (~Bits{0} << (from % kBits));
  while (bits == 0) {
    if (++word * kBits >= end) return end;
    bits = set[word] ^ inverted;
  }
  return library::smaller(word * kBits + library::lowest_bit(bits), end);
}

/// Calls change(word, bits) for each word that holds pages of the run; `bits` are those pages.
template <class P>
template <class Change>
void VmapRange<P>::for_each_word(Run run, Change change) {
  for (uint32_t at = run.first; at < run.end; at = (at / kBits + 1) * kBits) {
    const uint32_t last = library::smaller(run.end, (at / kBits + 1) * kBits) - 1;
    change(at / kBits, (~Bits{0} << (at % kBits)) & (~Bits{0} >> (kBits - 1 - last % kBits)));
  }
}

template <class P>
void VmapRange<P>::insert(PageSet& set, Run run) {
  for_each_word(run, [&set](uint32_t word, Bits pages) { set[word] |= pages; });
}

template <class P>
void VmapRange<P>::remove(PageSet& set, Run run) {
  for_each_word(run, [&set](uint32_t word, Bits pages) { set[word] &= ~pages; });
}

}  // namespace kmapper
