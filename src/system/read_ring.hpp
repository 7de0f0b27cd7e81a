// Several reads of files by one system call, all under way at the same time: io_uring (Linux 5.4;
// man 7 io_uring). Without liburing, because a program that uses the library needs no other one.
//
// The ring is two queues in memory that this process shares with the kernel. The process puts
// requests into the first one, the kernel puts results into the second.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "system/descriptor.hpp"
#include "system/memory.hpp"

namespace kmapper::system {

/// For one thread at a time.
class ReadRing {
 public:
  struct Read {
    int descriptor;
    std::int64_t offset;
    std::span<iovec> pieces;  // up to 1,024
    std::int64_t result = 0;  // bytes, as preadv() returns; or a negative errno
  };
  static constexpr std::size_t kMost = 64;

  ReadRing() noexcept;
  /// False: the kernel has no io_uring, or does not let the process use it.
  [[nodiscard]] bool is_there() const { return requests_.size() != 0; }
  /// Whether the process, or the one that it was forked from, has ever had one.
  [[nodiscard]] static bool was_made() { return was_made_.load(std::memory_order_relaxed); }
  /// Carries out up to kMost reads, in any order. Returns when all of them have ended.
  void read(std::span<Read> reads) noexcept;

 private:
  struct Layout;
  explicit ReadRing(const Layout& layout) noexcept;
  /// Indices that only grow, and their place in the queue.
  struct Queue {
    std::uint32_t* head = nullptr;  // the consumer's
    std::uint32_t* tail = nullptr;  // the producer's
    std::uint32_t mask = 0;
  };
  [[nodiscard]] unsigned take_results(std::span<Read> reads) noexcept;

  static inline constinit std::atomic<bool> was_made_{false};

  const Descriptor descriptor_;
  AddressRange queues_;
  AddressRange requests_;
  Queue requested_;
  Queue ended_;
  const void* results_ = nullptr;
};

}  // namespace kmapper::system
