// A page-table entry of the simulated machine: the frame, and the Present and Accessed bits at
// x86's positions. One atomic 64-bit word, as with PAE, so that one CPU can walk a table while
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

/// A local slot's entry. It is written in halves, as a PAE entry is on a 32-bit CPU: first the half
/// with the frame, then the half with Present.
struct LocalPte {
  FrameIndex half{};                // as last written
  std::optional<FrameIndex> frame;  // the frame that it maps
};

}  // namespace kmapper::simulated
