// All of VmallocRange. Include it in one source file of a platform and instantiate there both
// `template class kmapper::VmapRange<MyPlatform>;` and `template class
// kmapper::VmallocRange<MyPlatform>;`.
#pragma once

#include "kmapper/core/impl/vmap.hpp"
#include "kmapper/core/vmalloc.hpp"

namespace kmapper {

template <class P>
Result<void*> VmallocRange<P>::vmalloc(uint32_t pages) {
  const Result<VmapPage> run = this->take_run_for(pages);
  if (!run) return run.error();
  const uint32_t first = to_number(*run);
  for (uint32_t i = 0; i < pages; ++i) {
    CleanUp came_to = CleanUp::nothing_dirty;
    Page page = this->platform_.alloc_page();
    if (page == Page{}) {
      came_to = clean_up_for_memory();
      page = this->platform_.alloc_page();
    }
    if (page == Page{}) {
      give_back({first, first + pages + Base::kGuard}, i);
      return came_to == CleanUp::may_not_wait ? MapError::would_sleep : MapError::no_memory;
    }
    this->platform_.write_vmap_pte(VmapPage{first + i}, page);
  }
  // Release: as in vmap().
  this->sizes_[first].store((pages + Base::kGuard) | Base::kOwnsPages, memory_order_release);
  return this->platform_.vmap_address(*run);
}

/// Frees the memory that waits. A flush under way frees what it has taken; what came later needs
/// one more.
template <class P>
auto VmallocRange<P>::clean_up_for_memory() -> CleanUp {
  CleanUp came_to = CleanUp::nothing_dirty;
  for (int i = 0; i < 2; ++i) {
    this->lock_.lock();
    const bool waits = this->waiting_pages_ != 0 || this->flush_frees_;
    this->lock_.unlock();
    if (!waits) break;
    came_to = this->clean_up();
    if (came_to != CleanUp::waited) break;
  }
  return came_to;
}

template <class P>
KMAPPER_REPORTS_ITS_CALLER void VmallocRange<P>::unmap_and_free(const void* address) {
  const Run area = this->take_area(address, Base::kOwnsPages);
  if (area.end == 0)
    return this->report_wrong(Misuse::vfree_wrong_address, address, __builtin_return_address(0));
  give_back(area, area.end - area.first - Base::kGuard);
}

/// Unmaps the first `mapped` pages of an area of vmalloc(). Their memory is freed now if no TLB can
/// hold it and the caller may flush, which the allocator may ask for; else after the next flush.
template <class P>
void VmallocRange<P>::give_back(Run run, uint32_t mapped) {
  bool accessed = false;
  for (uint32_t i = 0; i < mapped; ++i)
    accessed |= this->platform_.hide_vmap_pte(VmapPage{run.first + i});
  if (accessed || !this->platform_.may_flush()) return this->put_back(run, true, mapped);
  for (uint32_t i = 0; i < mapped; ++i) this->free_hidden(VmapPage{run.first + i});
  this->put_back(run, false, 0);
}

}  // namespace kmapper
