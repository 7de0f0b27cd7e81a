// Addresses for mappings that cross granules: a part of the budget from which runs of granules are
// taken, first fit, and given back. A call that finds no run waits, first come first served, so
// short runs cannot keep a long one out for ever.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kmapper/core/result.hpp"
#include "process/wait/asleep.hpp"
#include "system/memory.hpp"

namespace kmapper::process {

class File;
class LongWait;

class SpanArea {
 public:
  /// A run that is in use: which mapping it serves, which thread took it (threads.hpp), and when.
  struct Run {
    const File* file;
    std::int64_t offset;
    std::int64_t length;
    std::uint64_t since_ns;  // Platform::now(); take() sets it
    std::uint16_t thread;
    std::uint32_t units;  // 0: no run begins here
  };
  /// All counts are in units.
  struct State {
    std::uint32_t in_use;
    std::uint32_t longest_free;
    std::uint32_t waiters;  // calls
  };

  /// Throws std::bad_alloc.
  explicit SpanArea(std::uint32_t units) : used_(units), runs_(units) {}

  /// Takes a run for a mapping of this length, and returns its first unit. `wait` null: does not
  /// wait. Errors: would_sleep, timed_out, cancelled, too_large, holds_a_pin (see LongWait). Throws
  /// std::bad_alloc if it has to wait.
  [[nodiscard]] Result<std::uint32_t> take(const Run& run, LongWait* wait);
  void give_back(std::uint32_t first);

  [[nodiscard]] std::uint32_t units() const { return static_cast<std::uint32_t>(used_.size()); }
  [[nodiscard]] State state() const;
  /// The first unit of a run that for_each_run() visits.
  [[nodiscard]] std::uint32_t first_of(const Run& run) const {
    return static_cast<std::uint32_t>(&run - runs_.data());
  }
  /// How much memory it may come to occupy, in bytes.
  [[nodiscard]] std::size_t bytes() const { return runs_.bytes(); }

  /// Calls visit(first, units) for each free run. No run can be taken meanwhile.
  template <class Visitor>
  void for_each_free_run(Visitor visit) const {
    const std::lock_guard lock(mutex_);
    for (std::uint32_t first = 0; first < units();) {
      std::uint32_t end = first;
      while (end < units() && !used_[end]) ++end;
      if (end != first) visit(first, end - first);
      first = end + 1;
    }
  }
  /// Calls visit(const Run&) for each run in use. No run can be given back meanwhile.
  template <class Visitor>
  void for_each_run(Visitor visit) const {
    const std::lock_guard lock(mutex_);
    if (in_use_ == 0) return;
    for (std::uint32_t first = 0; first < units();) {
      const Run& run = runs_[first];
      if (run.units != 0) visit(run);
      first += run.units != 0 ? run.units : 1;
    }
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// A waiting call, on its own stack.
  struct Waiter {
    const Run& run;
    std::uint32_t first = kNone;
    std::condition_variable_any condition{};
    Waiter* next = nullptr;
    Asleep asleep{};
  };

  [[nodiscard]] std::uint32_t take_run(const Run& run);
  void sleep(std::unique_lock<std::mutex>& lock, Waiter& self, LongWait& wait);
  void serve();
  void leave(Waiter& self);

  mutable std::mutex mutex_;  // guards what follows
  std::vector<bool> used_;
  system::ZeroArray<Run> runs_;  // by their first units
  std::uint32_t in_use_ = 0;
  Waiter* first_waiter_ = nullptr;
  Waiter* last_waiter_ = nullptr;
};

}  // namespace kmapper::process
