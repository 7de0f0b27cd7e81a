// Writes to a file in pieces, as copies and mappings across granules are written back.
#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "process/fill/direct_io.hpp"
#include "system/pieces.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {

/// Whether the process has a limit on the size of its files now.
inline bool has_size_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/// pwritev() that does not kill a process that has a limit on the size of its files. Makes the
/// system call directly: a holder may write meanwhile, as to a mapped file, and the units are then
/// written again; to ThreadSanitizer, pwritev() would be a race.
inline ssize_t write_some(int descriptor, std::span<const iovec> pieces, std::int64_t offset,
                          bool has_limit) {
  // In bits. Where a long has no more, the system call takes the offset as two of them.
  constexpr unsigned kHalf = 32;
  const auto call = [&] {
    return syscall(SYS_pwritev, descriptor, pieces.data(), pieces.size(), static_cast<long>(offset),
                   static_cast<long>(offset >> kHalf));
  };
  return has_limit ? system::within_size_limit(call) : system::uninterrupted(call);
}

/// Writes all. Returns an errno, or 0.
inline int write_all(int descriptor, const DirectIo& direct, std::span<iovec> pieces,
                     std::int64_t offset, bool has_limit) {
  while (!pieces.empty()) {
    const int to = direct.choose(descriptor, pieces, offset);
    const ssize_t put = write_some(to, pieces, offset, has_limit);
    if (put < 0) return errno;
    if (put == 0) return EIO;
    offset += put;
    pieces = system::without(pieces, static_cast<std::size_t>(put));
  }
  return 0;
}

}  // namespace kmapper::process
