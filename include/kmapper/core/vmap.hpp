// vmap: maps several pages at consecutive addresses, for any length of time. It has an address
// range of its own, beside the window's, and allocates areas from it:
//
//          vmap: take a run of clean pages, write the PTEs
//   clean -------------------------------------------------> used
//     ^  ^                                                     |
//     |  |       vunmap, and no PTE had been accessed          |
//     |  +-----------------------------------------------------+
//     |                                                        | vunmap: take the PTEs
//     |             one flush for all that is dirty            v
//     +------------------------------------------------------ dirty
//
// A dirty page maps nothing, but TLBs may still hold its old translation, so no area gets it. Dirty
// pages may lie for any time: only when no run of clean pages is long enough, one flush of all TLBs
// makes every dirty page clean. So there is one flush for as many areas as the range has room for,
// not one for each area.
//
// An area takes the run with the lowest address that is long enough (first fit), which keeps the
// free pages together.
//
// Behind each area lies a page that is never mapped: an access beyond the end of an area faults.
//
// Fragmentation: n areas leave at most n + 1 stretches of free pages. So a request for k pages may
// be refused only when at most k free pages are left for each stretch. docs/BENCHMARKS.md says how
// far away that is when areas come and go at random.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/library.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/report.hpp"
#include "kmapper/core/result.hpp"

namespace kmapper {

template <class P>
class VmallocRange;

/// The vmap range of one platform. Except open(), all calls may come from several threads and CPUs
/// at once.
template <class P>
class VmapRange {
 public:
  static_assert(VmapPlatform<P>);
  using Page = typename P::Page;

  constexpr explicit VmapRange(P platform) : platform_(platform) {}
  VmapRange(const VmapRange&) = delete;
  VmapRange& operator=(const VmapRange&) = delete;

  /// Opens the range with `pages` pages, 1 to P::kMaxVmapPages. Call it once, before any other
  /// call, while all its PTEs are empty and in no TLB.
  void open(uint32_t pages);

  /// Maps the pages, low ones too, in this order, and returns the first one's address, valid on
  /// every CPU and in every thread until vunmap(). Any context; a caller that may not flush gets
  /// only clean pages. Errors: too_large (more pages than the range has), no_room (no run of so
  /// many pages is free), would_sleep (there may be such a run, but it has to be flushed first).
  [[nodiscard]] Result<void*> vmap(Span<const Page> pages);

  /// Unmaps the area that vmap() returned as `address`. The area must not be in use any more. Any
  /// context. Flushes nothing: a later use may go unnoticed until flush().
  [[gnu::always_inline]] void vunmap(const void* address) {
    unmap(address);
    asm("");  // No code. Keeps the call from becoming a jump, so that a report names the caller.
  }

  /// Makes all pages clean that were unmapped before the call, by one flush if there are any, and
  /// frees the memory that waits for it. Needs may_flush(); and may_sleep(), because another thread
  /// may be flushing: a caller that may not sleep then returns at once.
  void flush() {
    while (clean_up() == CleanUp::waited) {
    }
  }

  /// How the range is used now.
  struct Usage {
    uint32_t areas;
    uint32_t used_pages;     // including the unmapped page behind each area
    uint32_t dirty_pages;    // unmapped, and no flush of them has begun
    uint32_t waiting_pages;  // of memory, freed by the next flush
    uint32_t largest_run;    // pages in the largest run that is not used
    uint64_t flushes;        // since open()
  };
  [[nodiscard]] Usage usage();
  /// How many pages the area has that begins at this page of the range, with its guard; 0: none
  /// begins here. Knows the areas of vmap() and of vmalloc().
  [[nodiscard]] uint32_t area_at(VmapPage first) const;

 private:
  friend class VmallocRange<P>;

  using Bits = uint32_t;
  static constexpr uint32_t kBits = 32;
  static constexpr uint32_t kWords = (P::kMaxVmapPages + kBits - 1) / kBits;
  static constexpr uint32_t kGuard = 1;  // pages behind each area
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kMostExamined = 32;  // stretches, while interrupts are off

  // In sizes_: the area is of vmalloc().
  static constexpr uint32_t kOwnsPages = 1U << 31;
  static_assert(P::kMaxVmapPages < kOwnsPages);

  using PageSet = Bits[kWords];

  /// A run of pages.
  struct Run {
    uint32_t first;
    uint32_t end;
  };
  /// The result of clean_up().
  enum class CleanUp : uint8_t { done, waited, nothing_dirty, may_not_wait };

  void unmap(const void* address);
  Run take_area(const void* address, uint32_t owns_pages);
  void report_wrong(Misuse misuse, const void* address, const void* caller);
  Result<VmapPage> take_run_for(size_t pages);
  Result<VmapPage> flush_for_run(uint32_t pages);
  void free_hidden(VmapPage at);
  void free_flushed(const PageSet& flushed);
  uint32_t take_run(uint32_t pages);
  CleanUp clean_up();
  void put_back(Run run, bool accessed, uint32_t waiting);
  static uint32_t next(const PageSet& set, Bits inverted, uint32_t from, uint32_t end);
  template <class Change>
  static void for_each_word(Run run, Change change);
  static void insert(PageSet& set, Run run);
  static void remove(PageSet& set, Run run);
  [[nodiscard]] uint32_t number_of(const void* address) const;

  [[no_unique_address]] P platform_;
  uint32_t page_count_ = 0;
  // How many pages each area has, with its guard, stored at its first page, and kOwnsPages; 0: no
  // area begins here.
  typename P::template Atomic<uint32_t> sizes_[P::kMaxVmapPages]{};

  typename P::Lock lock_{};                           // guards what follows
  PageSet clean_{};                                   // free to take
  PageSet dirty_[2]{};                                // one is filled while the other is flushed
  uint32_t filling_ = 0;                              // which of the two is filled
  typename P::template Atomic<uint32_t> flushing_{};  // not 0: the other is being flushed
  uint32_t lowest_ = 0;                               // no page below is clean
  uint32_t areas_ = 0;
  uint32_t used_pages_ = 0;
  uint32_t dirty_pages_ = 0;    // in the set that is filled
  uint32_t waiting_pages_ = 0;  // of memory, freed by the flush of that set
  bool flush_frees_ = false;    // memory waits for the flush under way
  uint64_t flushes_ = 0;
};

}  // namespace kmapper
