// Makes the kernel map pages of a file as a write does, which maps exactly those pages. The bytes
// keep their values, even while another thread writes.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "system/page_size.hpp"

namespace kmapper::process {

/// A write access that changes nothing. The address is that of a page.
inline void touch_by_writing(std::byte* address) {
#if defined(__x86_64__) || defined(__i386__)
  asm volatile("lock orb $0, %0" : "+m"(*address) : : "memory");
#else
  std::atomic_ref(reinterpret_cast<std::uint32_t&>(*address)).fetch_or(0);
#endif
}

/// Returns an errno, or 0; 0 also where the file cannot provide the pages (EFAULT), because an
/// access will show why. One page is mapped faster by an access than by the system call, which
/// kernels before 5.14 do not have (EINVAL).
[[nodiscard]] inline int map_by_writing(std::byte* begin, std::size_t size) {
  int number = size > system::page_size() ? EINTR : EINVAL;
  while (number == EINTR) number = madvise(begin, size, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
  if (number != EINVAL) return number == EFAULT ? 0 : number;
  for (std::size_t at = 0; at < size; at += system::page_size()) touch_by_writing(begin + at);
  return 0;
}

}  // namespace kmapper::process
