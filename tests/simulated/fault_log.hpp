// The faults of a simulated machine: accesses that would be page faults on a real CPU, and broken
// contracts of the core. A test fails if the log is not empty.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

namespace kmapper::simulated {

class FaultLog {
 public:
  /// Keeps the line. The first few are enough: one fault may cause thousands more. Any thread.
  void record(std::string line) {
    const std::lock_guard lock(mutex_);
    if (lines_.size() < kKept) lines_.push_back(std::move(line));
    any_.store(true, std::memory_order_release);
  }

  /// One load, cheap enough for every step. Any thread.
  [[nodiscard]] bool empty() const { return !any_.load(std::memory_order_acquire); }

  /// All lines kept, one below the other. Any thread.
  [[nodiscard]] std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string all;
    for (const std::string& line : lines_) all += line + "\n";
    return all;
  }

 private:
  static constexpr std::size_t kKept = 16;

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::atomic<bool> any_{false};
};

}  // namespace kmapper::simulated
