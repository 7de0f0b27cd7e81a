// Where each page lies in the memory file, and in every address range that maps it (a view):
//
//     the zero page | low pages | guard | high page, guard | high page, guard | ...
//
// Low pages are neighbours, as they are in a kernel. A high page has a guard behind it, which is
// never mapped, so an access beyond its end always faults. Kernel code wants PAGE_SIZE to be a
// constant. Where the machine's own pages are larger, a high page lies at the end of one of those,
// because only a whole machine page can be made inaccessible.
#pragma once

#include <cstddef>

#include "kmapper/linux/mm_types.h"
#include "system/page_size.hpp"

namespace kmapper::linux_face {

inline constexpr unsigned kMostOrder = 10;  // of an allocation

class Layout {
 public:
  static constexpr unsigned long kZeroPfn = 1023;   // the zero page
  static constexpr unsigned long kFirstPfn = 1024;  // aligned for the largest order

  Layout(unsigned long low, unsigned long high)
      : low_(low), high_(high), high_begin_(round_up(low << PAGE_SHIFT) + 2 * machine_page_) {}

  [[nodiscard]] unsigned long first_high_pfn() const { return kFirstPfn + low_; }
  [[nodiscard]] unsigned long end_pfn() const { return first_high_pfn() + high_; }
  [[nodiscard]] bool has(unsigned long pfn) const { return pfn >= kZeroPfn && pfn < end_pfn(); }
  [[nodiscard]] bool is_high(unsigned long pfn) const { return pfn >= first_high_pfn(); }
  [[nodiscard]] unsigned long low_pages() const { return low_; }
  [[nodiscard]] unsigned long high_pages() const { return high_; }

  /// In bytes.
  [[nodiscard]] std::size_t offset_of(unsigned long pfn) const {
    if (!is_high(pfn)) return zero_page() + (std::size_t{pfn - kZeroPfn} << PAGE_SHIFT);
    return place_of(pfn) + machine_page_ - PAGE_SIZE;
  }
  [[nodiscard]] std::size_t size() const { return high_begin_ + high_ * stride(); }

  /// The machine page that contains the page.
  [[nodiscard]] std::size_t machine_page() const { return machine_page_; }
  [[nodiscard]] std::size_t place_of(unsigned long pfn) const {
    if (!is_high(pfn)) return offset_of(pfn) & ~(machine_page_ - 1);
    return high_begin_ + (pfn - first_high_pfn()) * stride();
  }

  /// The page in which an offset lies, or behind which it lies in a guard, and how far it is from
  /// the page's beginning. Behind the last page: end_pfn().
  struct Position {
    unsigned long pfn;
    std::ptrdiff_t offset;
  };
  [[nodiscard]] Position position(std::size_t offset) const {
    unsigned long pfn = kZeroPfn + ((offset - zero_page()) >> PAGE_SHIFT);
    if (offset >= high_begin_)
      pfn = first_high_pfn() + (offset - high_begin_) / stride();
    else if (pfn >= first_high_pfn())
      pfn = first_high_pfn() - 1;
    return {pfn, static_cast<std::ptrdiff_t>(offset - offset_of(pfn))};
  }

 private:
  /// It ends a machine page, so that the low pages begin with one.
  [[nodiscard]] std::size_t zero_page() const { return machine_page_ - PAGE_SIZE; }
  [[nodiscard]] std::size_t round_up(std::size_t size) const {
    return (size + machine_page_ - 1) & ~(machine_page_ - 1);
  }
  [[nodiscard]] std::size_t stride() const { return 2 * machine_page_; }

  std::size_t machine_page_ = system::page_size();
  unsigned long low_;
  unsigned long high_;
  std::size_t high_begin_;
};

}  // namespace kmapper::linux_face
