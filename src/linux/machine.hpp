// The machine that the Linux-named interface (kmapper/linux/highmem.h) runs on: pages in a memory
// file, and views that map them.
//
//     plain    low: while allocated    | high: each page while it is kmapped
//     local    of each thread          | high: each page while the thread has it local
//     open     all pages, always; for the library, and for mappings that are not checked
//
// local_view.hpp has the threads' views, vm_area.hpp what vmap() makes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kmapper/linux/highmem.h"
#include "linux/frame.hpp"
#include "linux/layout.hpp"
#include "linux/protection_keys.hpp"
#include "linux/view.hpp"
#include "linux/vm_area.hpp"
#include "system/descriptor.hpp"
#include "system/memory.hpp"

namespace kmapper::linux_face {

enum class Zone { low, high };

class Machine {
 public:
  /// Made at the first call, from the environment. A wrong setting ends the process.
  [[nodiscard]] static Machine& get() {
    Machine* const made = find();
    return made != nullptr ? *made : make();
  }
  /// Whether the pages are shared with a parent, which has made the machine.
  [[nodiscard]] static bool is_a_forks_child() {
    return is_a_forks_child_.load(std::memory_order_relaxed);
  }
  /// Null: there is no machine yet. For signal handlers.
  [[nodiscard]] static Machine* find() { return machine_.load(std::memory_order_acquire); }

  const Layout layout;
  const ProtectionKeys keys;
  /// One mapping in so many is checked; 1: all of them.
  const unsigned long check_one_in;
  const unsigned long slots;

  std::mutex mutex;  // guards frames where they say so, zones, the plain view, and what follows
  std::condition_variable slot_is_free;
  std::condition_variable flag_is_clear;  // PG_locked or PG_writeback of some page
  unsigned long slots_in_use = 0;
  struct Holder {
    unsigned long pfn;
    int thread;
    const void* caller;
  };
  std::vector<Holder> holders;  // an entry for each kmap() that no kunmap() has undone
  VmAreas areas;

  [[nodiscard]] bool has(unsigned long pfn) const { return layout.has(pfn); }
  [[nodiscard]] bool is_high(unsigned long pfn) const { return layout.is_high(pfn); }
  [[nodiscard]] Frame& frame(unsigned long pfn) const { return frames_[pfn - Layout::kZeroPfn]; }
  [[nodiscard]] page* page_of(unsigned long pfn) const {
    return first_page() + (pfn - Layout::kZeroPfn);
  }
  /// 0: it is not a page.
  [[nodiscard]] unsigned long pfn_of(const page* page) const;
  [[nodiscard]] bool is_page_struct(const void* address) const { return pages_.contains(address); }
  /// The first page of the compound page that a page is in; else the page itself.
  [[nodiscard]] unsigned long head_of(unsigned long pfn) const {
    const Frame& it = frame(pfn);
    return it.is_compound ? pfn & ~((1UL << it.order) - 1) : pfn;
  }
  /// Whether the words around a struct page are as they were made.
  [[nodiscard, gnu::no_sanitize_address]] bool is_whole(unsigned long pfn) const;

  [[nodiscard]] View& plain() { return plain_; }
  [[nodiscard]] const View& plain() const { return plain_; }
  [[nodiscard]] bool is_open_address(const void* address) const { return open_.contains(address); }
  [[nodiscard]] Layout::Position open_position(const void* address) const {
    return layout.position(
        static_cast<std::size_t>(static_cast<const std::byte*>(address) - open_.begin()));
  }
  /// Where the page can always be accessed.
  [[nodiscard]] std::byte* open_address(unsigned long pfn) const {
    return open_.begin() + layout.offset_of(pfn);
  }
  [[nodiscard]] int file() const { return file_.number(); }

  /// Takes 2^order contiguous pages; 0: there are none. The caller holds the mutex.
  [[nodiscard]] unsigned long take(Zone which, unsigned order);
  /// Frees pages. `is_checked`: low ones become inaccessible. The caller holds the mutex.
  void give_back(unsigned long first, unsigned order, bool is_checked);
  /// Fills pages with a byte. False: the system has no memory for them.
  [[nodiscard]] bool fill(unsigned long first, unsigned order, unsigned char value) const;
  [[nodiscard]] unsigned long free_pages(Zone zone) const {
    return zones_[static_cast<std::size_t>(zone)].free;
  }

 private:
  struct ZoneState {
    unsigned long begin, end;
    unsigned long next;  // where the next search begins, so that freed pages rest for a while
    unsigned long free;
  };

  Machine();
  [[nodiscard]] static Machine& make();
  static void forget_other_threads();
  [[nodiscard]] page* first_page() const;
  /// Makes a struct page of a page that nobody has.
  void make_page_struct(unsigned long pfn) const;
  [[nodiscard]] bool is_free(unsigned long first, unsigned long count, const ZoneState& zone,
                             bool with_gaps) const;
  [[nodiscard]] unsigned long search(ZoneState& zone, unsigned long count, bool with_gaps) const;

  // Release and acquire: a thread that sees it finds it whole.
  static std::atomic<Machine*> machine_;
  static std::atomic<bool> is_a_forks_child_;

  ZoneState zones_[2];
  const system::Descriptor file_;
  const system::AddressRange pages_;  // the struct pages, between inaccessible pages
  const system::ZeroArray<Frame> frames_;
  View plain_;
  const system::AddressRange open_;
};

}  // namespace kmapper::linux_face
