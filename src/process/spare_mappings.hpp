// A few mappings that serve nothing but to be given up. Where the kernel allows a process no more
// mappings, it refuses even those calls that would leave it with fewer.
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "process/memory.hpp"
#include "process/page_size.hpp"

namespace kmapper::process {

class SpareMappings {
 public:
  /// Makes them, as far as the kernel allows.
  void make() {
    if (range_.size() != 0) return;
    const std::size_t page = page_size();
    void* const begin =
        mmap(nullptr, kPages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED) return;
    range_ = AddressRange(static_cast<std::byte*>(begin), kPages * page);
    // Neighbours that differ are not one mapping.
    for (std::size_t i = 1; i < kPages; i += 2)
      mprotect(range_.begin() + i * page, page, PROT_READ);
  }
  void give_up() { range_ = AddressRange(); }

 private:
  static constexpr std::size_t kPages = 8;
  AddressRange range_;
};

}  // namespace kmapper::process
