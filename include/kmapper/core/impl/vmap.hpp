// All of VmapRange. Include it in one source file of a platform and instantiate it there: `template
// class kmapper::VmapRange<MyPlatform>;`.
//
// Sets of pages are bitmaps. To find a run, take_run() looks for a free page and then for the next
// page that is not free. The thread that has taken a run, or an area's size out of sizes_, is the
// only one that uses its pages. So PTEs change without the lock, and interrupts are off only while
// bits change.
#pragma once

#include <algorithm>
#include <bit>

#include "kmapper/core/vmap.hpp"

namespace kmapper {

template <class P>
void VmapRange<P>::open(std::uint32_t pages) {
  page_count_ = pages;
  insert(clean_, {0, pages});
}

template <class P>
Result<void*> VmapRange<P>::vmap(std::span<const Page> pages) {
  if (pages.size() + kGuard > page_count_) return MapError::too_large;
  const auto size = static_cast<std::uint32_t>(pages.size()) + kGuard;
  std::uint32_t first = take_run(size);
  while (first == kNone) {
    const CleanUp came_to = clean_up();
    first = take_run(size);
    if (first != kNone) break;
    if (came_to == CleanUp::nothing_dirty) return MapError::no_room;
    if (came_to == CleanUp::may_not_wait) return MapError::would_sleep;
  }
  for (std::uint32_t i = 0; i < pages.size(); ++i)
    platform_.write_vmap_pte(VmapPage{first + i}, pages[i]);
  // Release: pairs with vunmap() and area_at(). The caller itself orders how it passes the address
  // on.
  sizes_[first].store(size, std::memory_order_release);
  return platform_.vmap_address(VmapPage{first});
}

template <class P>
[[gnu::noinline]] void VmapRange<P>::unmap(const void* address) {
  const std::uint32_t first = number_of(address);
  // If two threads unmap the same area, one finds its size; the other call is a misuse.
  const std::uint32_t size =
      first == kNone ? 0 : sizes_[first].exchange(0, std::memory_order_acq_rel);
  if (size == 0) {
    return platform_.report(MisuseReport<P>{
        Misuse::vunmap_wrong_address, Page{}, kNoSlot, {}, address, __builtin_return_address(0)});
  }
  bool accessed = false;
  for (std::uint32_t i = 0; i < size - kGuard; ++i)
    accessed |= platform_.take_vmap_pte(VmapPage{first + i});
  put_back({first, first + size}, accessed);
}

/// Takes the lowest run of clean pages that is long enough, and counts an area. kNone: there is
/// none.
template <class P>
std::uint32_t VmapRange<P>::take_run(std::uint32_t pages) {
  lock_.lock();
  std::uint32_t at = lowest_ = next(clean_, 0, lowest_, page_count_);
  for (std::uint32_t left = kMostExamined; at + pages <= page_count_;) {
    const std::uint32_t end = next(clean_, ~Bits{0}, at, at + pages);
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
template <class P>
void VmapRange<P>::put_back(Run run, bool accessed) {
  const std::uint32_t pages = run.end - run.first;
  lock_.lock();
  --areas_;
  used_pages_ -= pages;
  if (accessed) {
    dirty_pages_ += pages;
    insert(dirty_[filling_], run);
  } else {
    lowest_ = std::min(lowest_, run.first);
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
  if (flushing_.load(std::memory_order_relaxed) != 0) {
    lock_.unlock();
    // The flushing thread may have been preempted by the caller, so not every caller may wait.
    if (!may_wait) return CleanUp::may_not_wait;
    while (flushing_.load(std::memory_order_relaxed) != 0) platform_.relax();
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
  flushing_.store(1, std::memory_order_relaxed);
  lock_.unlock();
  platform_.flush_vmap();
  lock_.lock();
  for (std::uint32_t i = 0; i < kWords; ++i) {
    clean_[i] |= flushed[i];
    flushed[i] = 0;
  }
  lowest_ = 0;
  ++flushes_;
  flushing_.store(0, std::memory_order_relaxed);
  lock_.unlock();
  return CleanUp::done;
}

template <class P>
auto VmapRange<P>::usage() -> Usage {
  lock_.lock();
  Usage usage{areas_, used_pages_, dirty_pages_, 0, flushes_};
  PageSet unused;
  for (std::uint32_t i = 0; i < kWords; ++i) unused[i] = clean_[i] | dirty_[0][i] | dirty_[1][i];
  lock_.unlock();
  for (std::uint32_t at = 0; at < page_count_;) {
    at = next(unused, 0, at, page_count_);
    const std::uint32_t end = next(unused, ~Bits{0}, at, page_count_);
    usage.largest_run = std::max(usage.largest_run, end - at);
    at = end;
  }
  return usage;
}

template <class P>
std::uint32_t VmapRange<P>::area_at(VmapPage first) const {
  return sizes_[to_number(first)].load(std::memory_order_acquire);
}

/// The page of the range that begins at the address; kNone: none does.
template <class P>
std::uint32_t VmapRange<P>::number_of(const void* address) const {
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(address) -
      reinterpret_cast<std::uintptr_t>(platform_.vmap_address(VmapPage{0}));
  if (offset % P::kPageSize != 0 || offset / P::kPageSize >= page_count_) return kNone;
  return static_cast<std::uint32_t>(offset / P::kPageSize);
}

// --- Sets of pages ---

/// The first page at or after `from` and below `end` that is in the set; `end` if there is none.
/// With all bits `inverted`: the first that is not in the set.
template <class P>
std::uint32_t VmapRange<P>::next(const PageSet& set, Bits inverted, std::uint32_t from,
                                 std::uint32_t end) {
  if (from >= end) return end;
  std::uint32_t word = from / kBits;
  Bits bits = (set[word] ^ inverted) & (~Bits{0} << (from % kBits));
  while (bits == 0) {
    if (++word * kBits >= end) return end;
    bits = set[word] ^ inverted;
  }
  return std::min(word * kBits + static_cast<std::uint32_t>(std::countr_zero(bits)), end);
}

/// Calls change(word, bits) for each word that holds pages of the run; `bits` are those pages.
template <class P>
template <class Change>
void VmapRange<P>::for_each_word(Run run, Change change) {
  for (std::uint32_t at = run.first; at < run.end; at = (at / kBits + 1) * kBits) {
    const std::uint32_t last = std::min(run.end, (at / kBits + 1) * kBits) - 1;
    change(at / kBits, (~Bits{0} << (at % kBits)) & (~Bits{0} >> (kBits - 1 - last % kBits)));
  }
}

template <class P>
void VmapRange<P>::insert(PageSet& set, Run run) {
  for_each_word(run, [&set](std::uint32_t word, Bits pages) { set[word] |= pages; });
}

template <class P>
void VmapRange<P>::remove(PageSet& set, Run run) {
  for_each_word(run, [&set](std::uint32_t word, Bits pages) { set[word] &= ~pages; });
}

}  // namespace kmapper
