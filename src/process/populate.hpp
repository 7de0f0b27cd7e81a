// Asking the kernel whether an access could be carried out now, without making it.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "process/page_size.hpp"
#include "process/system_call.hpp"

namespace kmapper::process {

/// Whether this system carries MADV_POPULATE_READ and MADV_POPULATE_WRITE out. Emulators ignore
/// advice, and say that all went well; they say so of a page that admits nobody, too. Kernels
/// before 5.14 refuse both. May be called in a signal handler.
[[nodiscard]] inline bool system_populates() noexcept {
  enum Answer : std::uint8_t { unasked, no, yes };
  static constinit std::atomic<std::uint8_t> known{unasked};  // relaxed: all get the same answer
  std::uint8_t answer = known.load(std::memory_order_relaxed);
  if (answer != unasked) return answer == yes;
  void* const page =
      mmap(nullptr, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (page == MAP_FAILED) return false;
  answer = madvise(page, page_size(), MADV_POPULATE_READ) == 0 ? no : yes;
  munmap(page, page_size());
  known.store(answer, std::memory_order_relaxed);
  return answer == yes;
}

/// Has the page, of so many bytes, mapped for an access: `advice` is MADV_POPULATE_READ or
/// MADV_POPULATE_WRITE. False: the access would fault, or the system cannot say. May be called in a
/// signal handler.
[[nodiscard]] inline bool populate(std::byte* page, std::size_t size, int advice) noexcept {
  return system_populates() && uninterrupted([&] { return madvise(page, size, advice); }) == 0;
}

}  // namespace kmapper::process
