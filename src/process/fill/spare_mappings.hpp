// A few mappings whose only use is to be given up. When a process has as many mappings as the
// kernel allows, the kernel refuses even calls that would leave fewer.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>

#include "system/memory.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {

class SpareMappings {
 public:
  SpareMappings() = default;
  SpareMappings(const SpareMappings&) = delete;
  SpareMappings& operator=(const SpareMappings&) = delete;
  ~SpareMappings() { give_up(); }

  /// Makes the mappings, as far as the kernel allows. One thread at a time.
  void make() noexcept {
    if (begin_.load(std::memory_order_relaxed) != nullptr) return;
    const std::size_t page = system::page_size();
    void* const begin = system::reserve(kPages * page);
    if (begin == MAP_FAILED) return;
    // Neighbours with different protections are separate mappings.
    for (std::size_t i = 1; i < kPages; i += 2)
      mprotect(static_cast<std::byte*>(begin) + i * page, page, PROT_READ);
    begin_.store(begin, std::memory_order_release);  // pairs with give_up()
  }
  /// Unmaps them. False: there were none. Any thread; may be called in a signal handler.
  bool give_up() noexcept {
    void* const begin = begin_.exchange(nullptr, std::memory_order_acquire);
    return begin != nullptr && munmap(begin, kPages * system::page_size()) == 0;
  }

 private:
  static constexpr std::size_t kPages = 8;
  std::atomic<void*> begin_{nullptr};  // null: they have been given up
};

}  // namespace kmapper::process
