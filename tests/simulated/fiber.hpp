// A stack of its own, which runs until it switches to another fiber. All fibers of a test run on
// one host thread, so that the scheduler alone decides which one runs. Built on ucontext, which
// works on every width and architecture; the sanitizers are told of each switch.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

namespace kmapper::simulated {

class Fiber {
 public:
  /// The calling thread's own stack, so that fibers can switch away from it and back.
  Fiber();
  /// A new stack, on which `body` runs at the first switch to it. `body` must not return: it ends
  /// with a switch to another fiber that never switches back.
  explicit Fiber(std::function<void()> body);
  /// A fiber that has not ended may be destroyed; the objects on its stack are abandoned.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Suspends the caller, which must be running on `from`, and continues `to`.
  static void switch_to(Fiber& from, Fiber& to);

 private:
  static void start();
  void announce_arrival();

  ucontext_t context_{};
  std::function<void()> body_;
  std::byte* stack_ = nullptr;  // with a guard page below; null for the thread's own
  [[maybe_unused]] void* address_sanitizer_ =
      nullptr;  // its fake stack while the fiber is suspended
  [[maybe_unused]] void* thread_sanitizer_ = nullptr;  // its name for the fiber
  const void* stack_bottom_ = nullptr;
  std::size_t stack_size_ = 0;
};

}  // namespace kmapper::simulated
