// The page frames that are free RAM. Loaders hand over maps that are unsorted, overlap, have empty
// entries and cut pages in two. This class makes of them sorted regions of whole pages that do not
// touch. A usable range is rounded inwards to whole pages, a reserved range outwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// The common part of two ranges.
[[nodiscard]] constexpr PfnRange intersect(PfnRange a, PfnRange b) {
  return {a.begin < b.begin ? b.begin : a.begin, a.end < b.end ? a.end : b.end};
}

class MemoryMap {
 public:
  /// The most regions of a map. If there are more, the smallest is left unused, and lost_pages()
  /// counts it.
  static constexpr std::size_t kMaxRegions = 128;
  /// Larger than every page frame number.
  static constexpr Pfn kEndOfNumbers{UINT32_MAX};

  constexpr MemoryMap() = default;

  /// Adds memory. It also adds what was reserved before, so first add all, then reserve. At most
  /// kMaxRegions steps, like reserve().
  void add(PhysRange bytes);
  /// Takes memory out; it need not be in the map.
  void reserve(PhysRange bytes);

  /// Takes `pages` contiguous free page frames out, within `within`; the number of the first is
  /// divisible by `alignment`. The lowest such frames; nothing if there are none.
  [[nodiscard]] std::optional<Pfn> take(std::uint32_t pages, std::uint32_t alignment,
                                        PfnRange within);

  /// The remaining regions: sorted, apart, none empty. Valid until the next change.
  [[nodiscard]] std::span<const PfnRange> regions() const { return {regions_.data(), size_}; }

  /// How many page frames remain within `within`.
  [[nodiscard]] std::uint32_t pages(PfnRange within = {Pfn{0}, kEndOfNumbers}) const;
  /// One past the last remaining page frame; 0 if there is none.
  [[nodiscard]] Pfn end() const { return size_ == 0 ? Pfn{0} : regions_[size_ - 1].end; }
  [[nodiscard]] std::uint32_t lost_pages() const { return lost_pages_; }

 private:
  void add(PfnRange pages);
  void remove(PfnRange pages);
  void insert(std::size_t at, PfnRange pages);
  void erase(std::size_t first, std::size_t last);

  void lose_smallest();

  std::array<PfnRange, kMaxRegions + 1> regions_{};  // one more, during a change
  std::size_t size_ = 0;
  std::uint32_t lost_pages_ = 0;
};

}  // namespace kmapper::kernel
