// Runs a function at the end of a thread. A thread_local object with a destructor would not do:
// other such objects, which are destroyed later, may call the library again, and so may atexit
// handlers and destructors of static objects. So what belongs to a thread is trivially
// destructible, and is cleaned up by a pthread key, which the C library handles when all
// thread_local objects are gone.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "system/stay_loaded.hpp"

namespace kmapper::process {

/// Calls `end(value)` in each ending thread that has called arm(value), but not at the end of the
/// process. Other keys are destroyed before it and after it. If one of them arms it again, it is
/// called again.
class AtThreadEnd {
 public:
  constexpr explicit AtThreadEnd(void (*end)(void*)) : end_(end) {}

  /// `value` is not null. False: the system has no memory or no key for it. Takes no lock: a
  /// child can call it that another thread forked during the parent's call.
  [[nodiscard]] bool arm(void* value) noexcept {
    // Acquire and release: pairs with itself in other threads, for the key's own state.
    std::uint64_t key = key_.load(std::memory_order_acquire);
    if (key == kNone) {
      pthread_key_t made{};
      if (!system::stay_loaded() || pthread_key_create(&made, end_) != 0) return false;
      if (key_.compare_exchange_strong(key, kMade | made, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
        key = kMade | made;
      } else {
        pthread_key_delete(made);  // another thread was faster
      }
    }
    return pthread_setspecific(static_cast<pthread_key_t>(key), value) == 0;
  }

 private:
  static constexpr std::uint64_t kNone = 0;
  static constexpr std::uint64_t kMade = std::uint64_t{1} << 32;
  static_assert(sizeof(pthread_key_t) <= 4);

  void (*const end_)(void*);
  std::atomic<std::uint64_t> key_{kNone};
};

}  // namespace kmapper::process
