// How long a call may sleep, and what ends its sleep early.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"

namespace kmapper {

template <class P>
class Mapper;

/// Lets one thread end the sleeps of others, by Mapper::cancel(). May serve any number of calls. A
/// cancellation that has been requested stays requested.
template <class P>
class Cancellation {
 public:
  [[nodiscard]] bool is_requested() const {
    // Relaxed: a sleeper reads it with the same lock held under which it is set.
    return requested_.load(memory_order_relaxed) != 0;
  }

 private:
  friend class Mapper<P>;
  typename P::template Atomic<uint32_t> requested_{};  // set with the queue's lock held
};

/// How long a call may sleep: until the platform's now() reaches the deadline, or until the
/// cancellation is requested.
template <class P>
struct Limits {
  uint64_t deadline_ns = UINT64_MAX;
  const Cancellation<P>* cancellation = nullptr;
};

}  // namespace kmapper
