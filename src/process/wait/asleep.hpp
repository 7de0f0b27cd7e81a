// Threads that sleep in map calls without a limit. Only another thread can release what they wait
// for. When all threads of the process sleep so, no thread is left to do it.
#pragma once

namespace kmapper::process {

/// One sleep of a thread. Guarded by the lock that the thread sleeps with. The thread that wakes it
/// calls end(), so that a thread that is about to go on does not count as asleep.
class Asleep {
 public:
  Asleep() = default;
  Asleep(const Asleep&) = delete;
  Asleep& operator=(const Asleep&) = delete;
  ~Asleep() { end(); }

  void begin() noexcept;
  /// Does nothing if the sleep has not begun, or is over.
  void end() noexcept;

  /// Whether the calling thread is certainly the only one of the process. Cheap.
  [[nodiscard]] static bool is_alone() noexcept;
  /// Whether all threads of the process sleep so, including the calling one. False where the kernel
  /// does not say how many threads there are. Three system calls, and some for each sleeper if
  /// there are other threads.
  [[nodiscard]] static bool are_all() noexcept;
  /// Called in the child after a fork: the other threads are the parent's.
  static void forget_others() noexcept;

 private:
  bool is_counted_ = false;
};

}  // namespace kmapper::process
