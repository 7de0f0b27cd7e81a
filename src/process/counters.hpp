// What happens, counted by each thread for itself, so that an event costs an ordinary addition.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kmapper/platform.hpp"
#include "process/threads.hpp"

namespace kmapper::process {

/// What is counted beside the core's events.
enum class Work : std::uint8_t {
  map_call = static_cast<std::uint8_t>(Event::kCount),  // mmap, or what fills a granule
  unmap_call,                                           // what empties granules
  span,                                                 // a mapping across granules
  kCount,
};

class Counters {
 public:
  void add(Event event, std::uint64_t n) { add(static_cast<std::size_t>(event), n); }
  void add(Work work) { add(static_cast<std::size_t>(work), 1); }
  [[nodiscard]] std::uint64_t sum(Event event) const {
    return sum(static_cast<std::size_t>(event));
  }
  [[nodiscard]] std::uint64_t sum(Work work) const { return sum(static_cast<std::size_t>(work)); }

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Work::kCount);
  static constexpr std::size_t kOwn = 63;  // threads that have counters of their own
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kKinds> values{};
  };

  // Relaxed, all: numbers for people.
  void add(std::size_t kind, std::uint64_t n) {
    const std::uint16_t thread = thread_number();
    if (thread <= kOwn) [[likely]] {
      std::atomic<std::uint64_t>& own = shards_[thread].values[kind];
      own.store(own.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    } else {
      shards_[0].values[kind].fetch_add(n, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] std::uint64_t sum(std::size_t kind) const {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.values[kind].load(std::memory_order_relaxed);
    return sum;
  }

  std::array<Shard, kOwn + 1> shards_{};  // the first is for all other threads
};

}  // namespace kmapper::process
