// A process for one contender: its mappings, its resident memory and, in 32 bits, all addresses are
// its own. It works on request.
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

/// The worker's task: that many of the places from `first` on, and that range of a scan, in equal
/// parts for its threads.
struct Task {
  std::size_t first = 0;
  std::size_t count = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::size_t lead_in = 0;  // places before `first` that the threads read first, not timed
  unsigned threads = 1;
  std::uint32_t value = 0;  // the value that writes write
  bool is_warm_up = false;  // if set, writes read
  bool is_counted = false;  // if set, system calls are counted
  bool waits = false;       // if set, for a disk
};

struct Outcome {
  // With one thread that does not wait: its CPU time. Otherwise from the first thread's start to
  // the last thread's end. Where only some accesses count: their time, the mean of the threads'.
  double ns = 0;
  std::uint32_t sum = 0;          // of the words read
  std::int64_t faults = 0;        // page faults that needed no disk
  std::int64_t major_faults = 0;  // page faults that needed the disk
  std::int64_t peak = 0;  // bytes resident, and of page tables, in addition to those at the start
};

class Worker {
 public:
  /// `name` is the process's name in perf and ps. `places` must be memory that a child shares. Ends
  /// the program if the worker cannot be started.
  Worker(const std::string& name, const std::function<std::unique_ptr<Contender>()>& make,
         std::span<const std::int64_t> places);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  Outcome work(const Task& task);
  /// Carries the task out, by one thread, and returns its number of system calls. Below 0: they
  /// cannot be counted here.
  [[nodiscard]] std::int64_t system_calls(const Task& task);

 private:
  void send(const Task& task) const;
  [[nodiscard]] Outcome receive() const;

  int channel_ = -1;
  pid_t child_ = -1;
};

}  // namespace kmapper::bench
