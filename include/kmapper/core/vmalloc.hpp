// vmalloc: memory at consecutive addresses. It allocates the pages of an area of the vmap range,
// and vfree frees them.
//
// A page of memory may go to another owner only when no TLB holds it. So vfree hides the area's
// PTEs: a hidden PTE maps nothing, but keeps its page. The thread that flushes the range then frees
// these pages. No more memory can wait than the range has pages.
#pragma once

#include <stdint.h>

#include "kmapper/core/platform.hpp"
#include "kmapper/core/result.hpp"
#include "kmapper/core/vmap.hpp"

namespace kmapper {

/// A vmap range that also allocates. Except open(), all calls may come from several threads and
/// CPUs at once.
template <class P>
class VmallocRange : public VmapRange<P> {
 public:
  static_assert(VmallocPlatform<P>);
  using VmapRange<P>::VmapRange;

  /// Allocates `pages` pages and maps them as vmap() does, all or none; of 0 pages, an area that is
  /// its guard alone. Nothing clears the pages. When memory runs out, a caller that may flush and
  /// sleep first frees the memory that waits for a flush. Any context. Errors: as vmap(), no_memory
  /// (too little is free), and would_sleep also where memory waits and the caller may not free it.
  /// Cost: that of vmap() and of `pages` allocations. (The seed, "Kernel VM Allocation".)
  [[nodiscard]] Result<void*> vmalloc(uint32_t pages);

  /// Unmaps the area that vmalloc() returned as `address`, and frees its pages: at once if none of
  /// them was accessed by its address and the caller may flush, else all of them after the next
  /// flush. Any context. Flushes nothing.
  [[gnu::always_inline]] void vfree(const void* address) {
    unmap_and_free(address);
    asm("");  // as in vunmap()
  }

  /// Frees the memory that waits for a flush, by one flush at most; does nothing if none waits.
  /// Meant for an allocator that has no page left. Returns whether a page may be free now that was
  /// not before. Any context; where the caller may not flush, or may not wait for a thread that
  /// flushes, nothing is freed.
  bool free_waiting() {
    const CleanUp came_to = clean_up_for_memory();
    return came_to == CleanUp::done || came_to == CleanUp::waited;
  }

 private:
  using Base = VmapRange<P>;
  using Page = typename P::Page;
  using CleanUp = typename Base::CleanUp;
  using Run = typename Base::Run;

  void unmap_and_free(const void* address);
  void give_back(Run run, uint32_t mapped);
  CleanUp clean_up_for_memory();
};

}  // namespace kmapper
