// Ends the program if something takes too long: threads that sleep for ever cannot be joined.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

namespace kmapper::simulated {

/// If it is not destroyed before the limit, it calls `tell`, in a thread of its own, and exits with
/// 1.
class Watchdog {
 public:
  Watchdog(std::chrono::steady_clock::time_point limit, std::function<void()> tell)
      : tell_(std::move(tell)), thread_([this, limit] { watch(limit); }) {}
  ~Watchdog() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    condition_.notify_one();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void watch(std::chrono::steady_clock::time_point limit) {
    std::unique_lock lock(mutex_);
    if (condition_.wait_until(lock, limit, [this] { return done_; })) return;
    tell_();
    std::_Exit(1);
  }

  const std::function<void()> tell_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool done_ = false;
  std::jthread thread_;  // last, because it uses the others
};

}  // namespace kmapper::simulated
