// The machine that the Linux-named interface (kmapper/linux/highmem.h) runs on: pages in a memory
// file, and two views of them.
//
//     plain    low: always mapped | high: each page while it is kmapped   | guard
//     local                         high: each while a thread has it local | guard
//
// In each view a page has a place of its own, where no other page is ever mapped. So an address
// names its page, however late it is used. What is not mapped is inaccessible (PROT_NONE), and not
// resident either. Kernel code wants PAGE_SIZE to be a constant. Where the machine's own pages are
// larger, a high page's place is one of those, with the page at its end, because only a whole
// machine page can be made inaccessible.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "kmapper/linux/highmem.h"
#include "system/descriptor.hpp"
#include "system/memory.hpp"

namespace kmapper::linux_face {

/// The state of a page. Guarded by the machine's mutex.
struct Frame {
  bool is_allocated;
  bool is_head;  // the first page of an allocation
  std::uint8_t order;
  std::uint32_t kmaps;
  std::uint32_t locals;
  // The return address of the last such call; null: none since the page was allocated.
  const void* freed_by;
  const void* kmapped_by;
  const void* kunmapped_by;
  const void* locally_mapped_by;
  const void* locally_unmapped_by;
};

enum class View { plain, local };
enum class Zone { low, high };

class Machine {
 public:
  static constexpr unsigned long kFirstPfn = 1024;  // keeps alignment in pfns and in the file equal
  static constexpr unsigned kMostOrder = 10;

  /// Made at the first call, from the environment. A wrong setting ends the process.
  [[nodiscard]] static Machine& get();
  /// Null: there is no machine yet. For signal handlers.
  [[nodiscard]] static Machine* find() { return machine_.load(std::memory_order_acquire); }

  std::mutex mutex;  // guards all frames, and what follows
  std::condition_variable slot_is_free;
  unsigned long slots_in_use = 0;

  [[nodiscard]] unsigned long slots() const { return slots_; }
  [[nodiscard]] unsigned long end_pfn() const { return kFirstPfn + low_ + high_; }
  [[nodiscard]] unsigned long first_high_pfn() const { return kFirstPfn + low_; }
  [[nodiscard]] bool has(unsigned long pfn) const { return pfn >= kFirstPfn && pfn < end_pfn(); }
  [[nodiscard]] bool is_high(unsigned long pfn) const { return pfn >= first_high_pfn(); }
  [[nodiscard]] Frame& frame(unsigned long pfn) const { return frames_[pfn - kFirstPfn]; }

  [[nodiscard]] page* page_of(unsigned long pfn) const {
    return reinterpret_cast<page*>(tokens_.begin()) + (pfn - kFirstPfn);
  }
  /// 0: it is not a page.
  [[nodiscard]] unsigned long pfn_of(const page* page) const;
  [[nodiscard]] bool is_token(const void* address) const { return tokens_.contains(address); }
  [[nodiscard]] std::byte* address(View view, unsigned long pfn) const {
    return range(view).begin() + offset_of(pfn);
  }
  /// The page in whose place an address lies, which may be end_pfn(), the guard; 0: none.
  [[nodiscard]] unsigned long pfn_at(View view, const void* address) const;

  /// Makes a high page accessible, or inaccessible.
  void open(View view, unsigned long pfn) const;
  void close(View view, unsigned long pfn) const;

  /// Takes 2^order contiguous pages; 0: there are none. The caller holds the mutex.
  [[nodiscard]] unsigned long take(Zone zone, unsigned order);
  /// Frees pages. The caller holds the mutex.
  void give_back(unsigned long pfn, unsigned order, const void* caller);
  /// Fills pages with a byte. False: the system has no memory for them.
  [[nodiscard]] bool fill(unsigned long pfn, unsigned order, unsigned char value) const;
  [[nodiscard]] unsigned long free_high_pages();

 private:
  Machine();
  static void forget_other_threads();
  [[nodiscard]] const system::AddressRange& range(View view) const {
    return view == View::plain ? plain_ : local_;
  }

  static std::atomic<Machine*>
      machine_;  // release and acquire: a thread that sees it finds it whole

  /// Where the page is, in the file and in each view.
  [[nodiscard]] std::size_t offset_of(unsigned long pfn) const {
    if (!is_high(pfn)) return std::size_t{pfn - kFirstPfn} << PAGE_SHIFT;
    return end_of_place(pfn) - PAGE_SIZE;
  }
  [[nodiscard]] std::byte* place(View view, unsigned long pfn) const {
    return address(view, pfn) + PAGE_SIZE - place_;
  }
  /// For a high page, or for the guard.
  [[nodiscard]] std::size_t end_of_place(unsigned long pfn) const {
    return high_begin_ + (pfn - first_high_pfn() + 1) * place_;
  }

  const unsigned long low_;
  const unsigned long high_;
  const unsigned long slots_;
  const std::size_t place_;       // bytes that each high page takes up
  const std::size_t high_begin_;  // where the first one's place begins
  unsigned long low_hint_;        // no page of the zone below is free
  unsigned long high_hint_;
  const system::Descriptor file_;
  const system::AddressRange tokens_;  // what struct page pointers point to: inaccessible
  const system::ZeroArray<Frame> frames_;
  const system::AddressRange plain_;
  const system::AddressRange local_;
};

}  // namespace kmapper::linux_face
