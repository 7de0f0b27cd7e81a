// What happens, counted by each thread for itself, so that an event costs an ordinary addition.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kmapper/core/platform.hpp"
#include "process/wait/threads.hpp"

namespace kmapper::process {

/// What is counted beside the core's events.
enum class Work : std::uint8_t {
  map_call = static_cast<std::uint8_t>(Event::kCount),  // mmap, or what fills a granule
  unmap_call,                                           // what empties granules
  span,                                                 // a mapping across granules
  unused_hit,  // a hit, counted as one, whose pin no caller was given
  kCount,
};

class Counters {
 public:
  void add(Event event, std::uint64_t n) {
    add(static_cast<std::size_t>(event), static_cast<std::uintptr_t>(n));
  }
  /// One, by the thread of that number, which is the calling one.
  void add(std::uint16_t thread, Event event) { add(thread, static_cast<std::size_t>(event), 1); }
  void add(Work work) { add(static_cast<std::size_t>(work), 1); }
  /// Hits: those whose pins callers were given.
  [[nodiscard]] std::uint64_t sum(Event event) const {
    if (event != Event::hit) return sum(static_cast<std::size_t>(event));
    const std::uint64_t unused = sum(Work::unused_hit);  // first: each was counted as a hit before
    const std::uint64_t all = sum(static_cast<std::size_t>(Event::hit));
    return all > unused ? all - unused : 0;
  }
  [[nodiscard]] std::uint64_t sum(Work work) const { return sum(static_cast<std::size_t>(work)); }

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Work::kCount);
  static constexpr std::size_t kOwn = 63;  // threads that have counters of their own
  /// 64 bits, for which 32-bit code needs no 64-bit atomic access. There, a value that is read at
  /// the moment when its upper half changes may be 2^32 too small.
  class Count {
   public:
    void add_alone(std::uintptr_t n) {
      const std::uintptr_t sum = low_.load(std::memory_order_relaxed) + n;
      low_.store(sum, std::memory_order_relaxed);
      if (kIsNarrow && sum < n) [[unlikely]]
        high_.store(high_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void add(std::uintptr_t n) {
      const std::uintptr_t sum = low_.fetch_add(n, std::memory_order_relaxed) + n;
      if (kIsNarrow && sum < n) high_.fetch_add(1, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const {
      const std::uint64_t high = high_.load(std::memory_order_relaxed);
      return (kIsNarrow ? high << 32 : 0) | low_.load(std::memory_order_relaxed);
    }

   private:
    static constexpr bool kIsNarrow = sizeof(std::uintptr_t) < sizeof(std::uint64_t);
    std::atomic<std::uintptr_t> low_{0};
    std::atomic<std::uintptr_t> high_{0};
  };
  struct alignas(64) Shard {
    std::array<Count, kKinds> values{};
  };

  // Relaxed, all: numbers for people.
  void add(std::size_t kind, std::uintptr_t n) { add(thread_number(), kind, n); }
  void add(std::uint16_t thread, std::size_t kind, std::uintptr_t n) {
    if (thread <= kOwn) [[likely]] {
      shards_[thread].values[kind].add_alone(n);
    } else {
      shards_[0].values[kind].add(n);
    }
  }
  [[nodiscard]] std::uint64_t sum(std::size_t kind) const {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.values[kind].value();
    return sum;
  }

  std::array<Shard, kOwn + 1> shards_{};  // the first is for all other threads
};

}  // namespace kmapper::process
