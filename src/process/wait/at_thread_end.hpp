// Something to do at the end of a thread. A thread_local object would not do: others of them, which
// are destroyed later, may call the library again, and so may atexit handlers and destructors of
// static objects. What belongs to a thread is therefore trivially destructible, and cleaned up by
// a pthread key, which the C library looks at when all thread_local objects are gone.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "system/stay_loaded.hpp"

namespace kmapper::process {

/// `end(value)` is called in each ending thread that has called arm(value); not at the end of the
/// process. Keys of others are destroyed before it and after it: it may be called again when one of
/// them has armed it again.
class AtThreadEnd {
 public:
  constexpr explicit AtThreadEnd(void (*end)(void*)) : end_(end) {}

  /// `value` is not null. False: the system has no memory or no key for it. Takes no lock, so that
  /// a child that was forked meanwhile can call it, too.
  [[nodiscard]] bool arm(void* value) noexcept {
    // Acquire and release: pairs with each other, for the key's own state.
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
