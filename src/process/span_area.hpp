// Addresses for mappings that cross granules: a part of the budget from which runs of granules are
// taken, first fit, and given back. Whoever finds no run waits, first come first served; so a long
// run is not kept out by short ones for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <vector>

#include "kmapper/process.hpp"
#include "kmapper/result.hpp"

namespace kmapper::process {

class SpanArea {
 public:
  /// Throws std::bad_alloc.
  explicit SpanArea(std::uint32_t units) : used_(units) {}

  /// Takes a run, and returns its first unit. `patience` null: does not wait. Errors: would_sleep,
  /// timed_out, cancelled, too_large. Throws std::bad_alloc where it has to wait.
  [[nodiscard]] Result<std::uint32_t> take(std::uint32_t units, const Patience* patience);
  void give_back(std::uint32_t first, std::uint32_t units);

  [[nodiscard]] std::uint32_t units() const { return static_cast<std::uint32_t>(used_.size()); }
  [[nodiscard]] std::uint32_t in_use() const;

  /// Calls visit(first, units) for each run that nobody has, while nobody can take one.
  template <class Visitor>
  void for_each_free_run(Visitor visit) {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t first = 0; first < units();) {
      std::uint32_t end = first;
      while (end < units() && !used_[end]) ++end;
      if (end != first) visit(first, end - first);
      first = end + 1;
    }
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// A call that waits, on its own stack.
  struct Waiter {
    const std::uint32_t units;
    std::uint32_t first = kNone;
    std::condition_variable_any condition{};
    Waiter* next = nullptr;
  };

  [[nodiscard]] std::uint32_t take_run(std::uint32_t units);
  void serve();
  void leave(Waiter& self);

  mutable std::mutex mutex_;  // guards what follows
  std::vector<bool> used_;
  std::uint32_t in_use_ = 0;
  Waiter* first_waiter_ = nullptr;
  Waiter* last_waiter_ = nullptr;
};

}  // namespace kmapper::process
