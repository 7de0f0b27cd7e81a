// The page descriptors of a simulated machine, like a kernel's `struct page`.
#pragma once

#include <cstdint>

#include "simulated/addresses.hpp"

namespace kmapper::simulated {

/// One page of the machine's memory. `Atomic` is that of the platform, and so is `Word`, the type
/// of its slots' words.
template <template <class> class Atomic, class Word>
struct PageDescriptor {
  Atomic<Word> virtual_{};  // the seed's page->virtual
  FrameIndex frame{};
  bool is_high = false;
};

}  // namespace kmapper::simulated
