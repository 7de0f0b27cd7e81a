// What all caches of buffers need: memory for them, and which bytes of a buffer were written.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bench/process/reads.hpp"

namespace kmapper::bench {

/// Anonymous memory: zeros, and none of it resident before it is used. `advice` is madvise's:
/// MADV_HUGEPAGE or MADV_NOHUGEPAGE.
[[nodiscard]] inline std::byte* must_reserve(std::size_t size, int advice) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("process_bench: mmap");
    std::abort();
  }
  madvise(memory, size, advice);  // a kernel may have no huge pages
  return static_cast<std::byte*>(memory);
}

/// The bytes of a buffer from the first to the last that was written. Zeros: none was.
struct Written {
  std::uint32_t begin, end;

  [[nodiscard]] bool is_empty() const { return begin == end; }
  void add(std::size_t offset, std::size_t length) {
    const auto first = static_cast<std::uint32_t>(offset);
    const auto last = static_cast<std::uint32_t>(offset + length);
    *this =
        is_empty() ? Written{first, last} : Written{std::min(begin, first), std::max(end, last)};
  }
  /// Writes them to the file. `data` is the buffer's memory, `offset` its place in the file.
  void write_back(int descriptor, const std::byte* data, std::int64_t offset) {
    if (is_empty()) return;
    must_write(descriptor, data + begin, end - begin, offset + begin);
    *this = {};
  }
};

}  // namespace kmapper::bench
