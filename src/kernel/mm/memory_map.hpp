// Which page frames are RAM that nobody has claimed. Loaders hand over maps that are unsorted,
// overlap, have empty entries and cut pages in two; here they become sorted regions of whole pages
// that do not touch. What is usable is rounded to the pages that lie in it whole, what is reserved
// to all pages that it touches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// What two ranges have in common.
[[nodiscard]] constexpr PfnRange intersect(PfnRange a, PfnRange b) {
  return {a.begin < b.begin ? b.begin : a.begin, a.end < b.end ? a.end : b.end};
}

class MemoryMap {
 public:
  /// A map may fall into this many regions. If there are more, the smallest is left unused, and
  /// counted by lost_pages().
  static constexpr std::size_t kMaxRegions = 128;
  /// No page frame number reaches it.
  static constexpr Pfn kEndOfNumbers{UINT32_MAX};

  constexpr MemoryMap() = default;

  /// Adds memory. Where it was reserved before, it comes back: so first add all, then reserve. At
  /// most kMaxRegions steps, as reserve() takes.
  void add(PhysRange bytes);
  /// Takes memory out; it need not be there.
  void reserve(PhysRange bytes);

  /// Finds `pages` free page frames in a row, the first one's number divisible by `alignment`, none
  /// outside `within`, and takes them out. The lowest there are; nothing if there are none.
  [[nodiscard]] std::optional<Pfn> take(std::uint32_t pages, std::uint32_t alignment,
                                        PfnRange within);

  /// What is left: sorted, apart, none empty. Valid until the next change.
  [[nodiscard]] std::span<const PfnRange> regions() const { return {regions_.data(), size_}; }

  /// How many page frames are left among those of `within`.
  [[nodiscard]] std::uint32_t pages(PfnRange within = {Pfn{0}, kEndOfNumbers}) const;
  /// One past the last page frame that is left; 0 where there is none.
  [[nodiscard]] Pfn end() const { return size_ == 0 ? Pfn{0} : regions_[size_ - 1].end; }
  [[nodiscard]] std::uint32_t lost_pages() const { return lost_pages_; }

 private:
  void add(PfnRange pages);
  void remove(PfnRange pages);
  void insert(std::size_t at, PfnRange pages);
  void erase(std::size_t first, std::size_t last);

  void lose_smallest();

  std::array<PfnRange, kMaxRegions + 1> regions_{};  // one more, while a change is under way
  std::size_t size_ = 0;
  std::uint32_t lost_pages_ = 0;
};

}  // namespace kmapper::kernel
