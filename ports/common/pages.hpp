// Physical memory: a descriptor for each page, and two zones.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "machine.hpp"

namespace port {

inline constexpr uint32_t kPageSize = 4096;

/// What the kernel keeps for each page of RAM. The descriptors lie where the image ends, so that a
/// page's number is its index there. There are 2.6 million for 10 GiB.
struct Page {
  kmapper::Atomic<uint32_t> virtual_;  // for kmapper
};
extern "C" Page image_end[];
inline Page* const pages = image_end;
inline constexpr uint32_t kFirstHighPage = machine::kDirectSize / kPageSize;

inline uint32_t number_of(const Page* page) { return static_cast<uint32_t>(page - pages); }
inline uint64_t physical_address(const Page* page) {
  return machine::kRam + uint64_t{number_of(page)} * kPageSize;
}

/// Memory that is given out once, from the beginning on.
class Zone {
 public:
  void open(uint32_t first, uint32_t end) {
    next_.store(first, kmapper::memory_order_relaxed);
    end_ = end;
  }
  /// The first of so many pages in a row, or null.
  Page* take(uint32_t count = 1) {
    const uint32_t first = next_.fetch_add(count, kmapper::memory_order_relaxed);
    return first + count <= end_ ? pages + first : nullptr;
  }

 private:
  kmapper::Atomic<uint32_t> next_{0};
  uint32_t end_ = 0;
};
extern Zone low_memory;   // has addresses
extern Zone high_memory;  // has none
uint32_t high_page_count();
inline Page* high_page(uint32_t number) { return pages + kFirstHighPage + number; }
inline void* low_address(const Page* page) {
  return reinterpret_cast<void*>(machine::kDirect + number_of(page) * kPageSize);
}

/// Makes the descriptors, and the zones of the rest.
void open_memory();

}  // namespace port
