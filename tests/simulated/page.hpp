// The page descriptors of a simulated machine, like a kernel's `struct page`.
#pragma once

#include <cstdint>

#include "simulated/addresses.hpp"

namespace kmapper::simulated {

/// One page of the machine's memory. `Atomic` is that of the platform.
template <template <class> class Atomic>
struct PageDescriptor {
  Atomic<std::uint32_t> virtual_{};  // the seed's page->virtual
  FrameIndex frame{};
  bool is_high = false;
};

}  // namespace kmapper::simulated
