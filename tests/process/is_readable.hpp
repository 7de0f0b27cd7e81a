// Whether memory may be read and written, without a fault if it may not.
#pragma once

#include <unistd.h>

#include <array>
#include <cstddef>

namespace kmapper::process {

/// Whether the process may read the byte; asks the kernel, so that there is no signal.
inline bool is_readable(const void* address) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return false;
  const bool is = write(ends[1], address, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return is;
}

/// Whether the process may write to the byte, which keeps its value.
inline bool is_writable(std::byte* address) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return false;
  const bool is = write(ends[1], address, 1) == 1 && read(ends[0], address, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return is;
}

}  // namespace kmapper::process
