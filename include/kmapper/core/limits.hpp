// How long a call may sleep, and what ends its sleep early.
#pragma once

#include <atomic>
#include <cstdint>

namespace kmapper {

template <class P>
class Mapper;

/// Lets one thread call off the sleeps of others, by Mapper::cancel(). May serve any number of
/// calls; once requested it stays so.
template <class P>
class Cancellation {
 public:
  [[nodiscard]] bool is_requested() const {
    // Relaxed: a sleeper reads it with the lock held under which it is set.
    return requested_.load(std::memory_order_relaxed) != 0;
  }

 private:
  friend class Mapper<P>;
  typename P::template Atomic<std::uint32_t> requested_{};  // set with the queue's lock held
};

/// Until the platform's now() reaches the deadline, or until somebody cancels.
template <class P>
struct Limits {
  std::uint64_t deadline_ns = UINT64_MAX;
  const Cancellation<P>* cancellation = nullptr;
};

}  // namespace kmapper
