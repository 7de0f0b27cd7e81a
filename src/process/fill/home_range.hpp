// Addresses for files at home. Those of all budgets of the process are counted together, because a
// process has other uses for its addresses.
#pragma once

#include <cstddef>

#include "system/memory.hpp"

namespace kmapper::process {

class HomeRange {
 public:
  /// Where a range begins: this many bytes behind a multiple of `alignment`, a power of two.
  struct Position {
    std::size_t alignment;
    std::size_t remainder;
  };
  /// Takes `size` inaccessible bytes. Empty if all such ranges would exceed their share of the
  /// process's addresses, or the process locks what it maps (mlockall).
  [[nodiscard]] static HomeRange reserve(std::size_t size, Position position);

  HomeRange() = default;
  HomeRange(HomeRange&&) noexcept = default;
  HomeRange& operator=(HomeRange&&) = delete;
  ~HomeRange();

  [[nodiscard]] bool is_empty() const { return range_.size() == 0; }
  [[nodiscard]] bool contains(const std::byte* address) const { return range_.contains(address); }
  [[nodiscard]] std::byte* begin() const { return range_.begin(); }
  [[nodiscard]] std::size_t size() const { return range_.size(); }

 private:
  explicit HomeRange(system::AddressRange range) : range_(std::move(range)) {}

  system::AddressRange range_;
};

}  // namespace kmapper::process
