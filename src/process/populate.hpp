// Has the kernel map pages before somebody accesses them.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>

namespace kmapper::process {

/// `advice`: MADV_POPULATE_READ or MADV_POPULATE_WRITE. Returns an errno, or 0, also where the file
/// cannot give the pages: an access will say why. Kernels before 5.14 know of no such advice:
/// EINVAL. (mmap() with MAP_POPULATE never returns where a file system says EIO.)
[[nodiscard]] inline int populate(int advice, std::byte* begin, std::size_t size) {
  int number = 0;
  do {
    number = madvise(begin, size, advice) == 0 ? 0 : errno;
  } while (number == EINTR);
  return number == EFAULT ? 0 : number;
}

}  // namespace kmapper::process
