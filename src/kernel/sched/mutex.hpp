// A lock for sections that may sleep. First come, first served: unlock() hands it to the thread
// that has waited longest. The mutexes that a thread holds form a list, so that they can be
// released when it dies.
#pragma once

#include "kernel/sched/spinlock.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

class Mutex {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  /// Not recursive; released in the reverse order of taking. Needs a context that may sleep.
  void lock();
  /// Only the thread that holds the mutex may call it.
  void unlock();

 private:
  struct Waiter;

  void acquire();

  Spinlock guard_{};
  bool held_ = false;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  Mutex* before_ = nullptr;  // the mutex that the holder took before this one
};

}  // namespace kmapper::kernel
