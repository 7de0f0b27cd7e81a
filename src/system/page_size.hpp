// The size of the machine's pages: 4 KiB on most, 16 or 64 KiB on some kernels for arm64.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>

namespace kmapper::system {

/// The value of page_size(); 0: the system has not been asked yet. Relaxed: every thread that asks
/// gets the same answer.
inline constinit std::atomic<std::size_t> known_page_size{0};

/// In bytes, a power of two. Asks the system at the first call. May be called in a signal handler.
[[nodiscard]] inline std::size_t page_size() noexcept {
  std::size_t size = known_page_size.load(std::memory_order_relaxed);
  if (size == 0) [[unlikely]] {
    size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    known_page_size.store(size, std::memory_order_relaxed);
  }
  return size;
}

/// The memory that one page table maps: 2 MiB with pages of 4 KiB, 32 MiB with 16 KiB, 512 MiB with
/// 64 KiB. The kernel caches files in pieces (folios) of at most this size, and its huge pages have
/// this size. Kernels with page table entries of 4 bytes have neither; their tables map twice as
/// much.
[[nodiscard]] inline std::size_t page_table_reach() noexcept {
  constexpr std::size_t kEntry = 8;
  return page_size() / kEntry * page_size();
}

/// For tests, in a process that has had no budget yet: works with pages of this size, a power of
/// two not below the machine's own page size. The kernel's own files about pages
/// (/proc/self/pagemap) still count the machine's.
inline void pretend_page_size(std::size_t bytes) noexcept {
  known_page_size.store(bytes, std::memory_order_relaxed);
}

}  // namespace kmapper::system
