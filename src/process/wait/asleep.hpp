// Threads that sleep in map calls without a limit. Only another thread can release what they wait
// for. When all threads of the process sleep so, none is left to do it.
#pragma once

namespace kmapper::process {

/// One sleep of a thread. Guarded by the lock that the thread sleeps with: the thread that wakes it
/// calls end(), so that a thread which is about to go on is not taken for asleep.
class Asleep {
 public:
  Asleep() = default;
  Asleep(const Asleep&) = delete;
  Asleep& operator=(const Asleep&) = delete;
  ~Asleep() { end(); }

  void begin() noexcept;
  /// Nothing, where the sleep has not begun, or is over.
  void end() noexcept;

  /// Whether the process surely has no thread but the calling one. Cheap.
  [[nodiscard]] static bool is_alone() noexcept;
  /// Whether all threads of the process sleep so, the calling one included. False where the kernel
  /// does not say how many there are. A system call or three.
  [[nodiscard]] static bool is_everybody() noexcept;
  /// In the child after a fork: the other threads are the parent's.
  static void forget_others() noexcept;

 private:
  bool is_counted_ = false;
};

}  // namespace kmapper::process
