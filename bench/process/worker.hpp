// A process for one contender: what it maps, and what of that is resident, is its own, and the
// addresses of a 32-bit process are all its own too. It works when it is told to.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "bench/process/contender.hpp"

namespace kmapper::bench {

/// What the worker is to do: that many of the places from `first` on, or that range of a scan, in
/// equal parts for its threads.
struct Task {
  std::size_t first = 0;
  std::size_t count = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  unsigned threads = 1;
  std::uint32_t value = 0;  // that writes write
  bool is_warm_up = false;  // writes read
  bool is_counted = false;  // system calls are
  bool waits = false;       // for a disk
};

struct Outcome {
  // Of one thread that does not wait: for how long it ran. Else from the first thread's start to
  // the last one's end.
  double ns = 0;
  std::uint32_t sum = 0;          // of what was read
  std::int64_t faults = 0;        // of pages, that needed no disk
  std::int64_t major_faults = 0;  // that did
  std::int64_t peak = 0;          // bytes: resident, and page tables, beyond what there was before
};

class Worker {
 public:
  /// `name` is what perf and ps call it. `places` must be memory that a child shares. Ends the
  /// program when it cannot be started.
  Worker(const std::string& name, const std::function<std::unique_ptr<Contender>()>& make,
         std::span<const std::int64_t> places);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  Outcome work(const Task& task);
  /// Carries the task out, by one thread, and returns how many system calls that took. Below 0:
  /// they cannot be counted here.
  [[nodiscard]] std::int64_t system_calls(const Task& task);

 private:
  void send(const Task& task) const;
  [[nodiscard]] Outcome receive() const;

  int channel_ = -1;
  pid_t child_ = -1;
};

}  // namespace kmapper::bench
