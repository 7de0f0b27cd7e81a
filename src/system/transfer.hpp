// Reads and writes of whole ranges of a file, however many system calls they take.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "system/system_call.hpp"

namespace kmapper::system {

/// Returns an errno, or 0; ENODATA: the file is shorter.
[[nodiscard]] inline int read_all(int descriptor, std::span<std::byte> bytes, std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t got =
        uninterrupted([&] { return pread64(descriptor, bytes.data(), bytes.size(), offset); });
    if (got < 0) return errno;
    if (got == 0) return ENODATA;
    offset += got;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return 0;
}

/// Returns an errno, or 0. Beyond the process's limit: EFBIG, and no signal.
[[nodiscard]] inline int write_all(int descriptor, std::span<const std::byte> bytes,
                                   std::int64_t offset) {
  const SizeSignalHeld held;
  while (!bytes.empty()) {
    const ssize_t put =
        uninterrupted([&] { return pwrite64(descriptor, bytes.data(), bytes.size(), offset); });
    if (put < 0) return errno;
    if (put == 0) return EIO;
    offset += put;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return 0;
}

}  // namespace kmapper::system
