// The word of a granule in vmcache_pool.hpp.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper::bench {

/// The state of a granule, and how often it has been locked.
class PageWord {
 public:
  // Zero has to be `evicted`, so that the words of a large file need no memory at the start.
  enum State : std::uint64_t { evicted, unlocked, marked, locked };

  [[nodiscard]] std::uint64_t load() const { return word_.load(std::memory_order_acquire); }
  [[nodiscard]] static State state_of(std::uint64_t word) { return State(word % kVersion); }

  /// Whether the caller has changed the state that it saw.
  [[nodiscard]] bool change(std::uint64_t seen, State to) {
    return word_.compare_exchange_strong(seen, seen / kVersion * kVersion + to,
                                         std::memory_order_acquire, std::memory_order_relaxed);
  }
  /// The caller has it locked.
  void unlock(State to) {
    const std::uint64_t seen = word_.load(std::memory_order_relaxed);
    word_.store(seen / kVersion * kVersion + kVersion + to, std::memory_order_release);
  }
  /// Whether what was read since `seen` is of that version. The hand may have marked it meanwhile.
  [[nodiscard]] bool is_still(std::uint64_t seen) const {
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t now = word_.load(std::memory_order_relaxed);
    return now == seen || (now / kVersion == seen / kVersion && state_of(now) == marked);
  }

 private:
  static constexpr std::uint64_t kVersion = 4;
  std::atomic<std::uint64_t> word_;
};

}  // namespace kmapper::bench
