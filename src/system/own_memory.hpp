// Gives back what ranges of this process map, all by one system call.
#pragma once

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <span>

#include "system/descriptor.hpp"

namespace kmapper::system {

class OwnMemory {
 public:
  OwnMemory() : self_(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))) {}

  /// False, after some of them perhaps: the kernel does not let a process do so (before 6.13), or a
  /// range is locked in memory, which no kernel gives back without an explicit request.
  [[nodiscard]] bool drop(std::span<const iovec> ranges) const {
    if (self_.number() < 0) return false;
    std::size_t size = 0;
    for (const iovec& it : ranges) size += it.iov_len;
    const long done = syscall(SYS_process_madvise, self_.number(), ranges.data(), ranges.size(),
                              MADV_DONTNEED, 0);
    return done >= 0 && static_cast<std::size_t>(done) == size;
  }

 private:
  const Descriptor self_;
};

}  // namespace kmapper::system
