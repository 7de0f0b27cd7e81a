// A page-table entry of the simulated machine: the frame, and x86's Present and Accessed bits where
// x86 has them. One atomic 64-bit word, as PAE's, so that a table can be walked by one CPU while
// another changes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "simulated/addresses.hpp"

namespace kmapper::simulated {

class alignas(8) Pte {  // aligned on 32-bit CPUs too, so that an atomic of it is one access
 public:
  constexpr Pte() = default;  // maps nothing
  constexpr explicit Pte(FrameIndex frame)
      : bits_((std::uint64_t{to_number(frame)} << kFrameShift) | kPresent) {}

  [[nodiscard]] constexpr bool is_present() const { return (bits_ & kPresent) != 0; }
  [[nodiscard]] constexpr bool is_accessed() const { return (bits_ & kAccessed) != 0; }
  [[nodiscard]] constexpr FrameIndex frame() const {
    return FrameIndex{static_cast<std::uint32_t>(bits_ >> kFrameShift)};
  }
  [[nodiscard]] constexpr Pte accessed() const {
    Pte pte = *this;
    pte.bits_ |= kAccessed;
    return pte;
  }
  friend constexpr bool operator==(Pte, Pte) = default;

 private:
  static constexpr std::uint64_t kPresent = 1U << 0;
  static constexpr std::uint64_t kAccessed = 1U << 5;
  static constexpr unsigned kFrameShift = 12;

  std::uint64_t bits_ = 0;
};

using AtomicPte = std::atomic<Pte>;

/// All that a local slot's entry holds. It is written in halves, as PAE's are on a 32-bit CPU:
/// first the one that says which frame, then the one that makes it present.
struct LocalPte {
  FrameIndex half{};                // as last written
  std::optional<FrameIndex> frame;  // what it maps
};

}  // namespace kmapper::simulated
