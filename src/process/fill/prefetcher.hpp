// The thread of a budget that brings ranges of files into the window. It starts with the first job.
//
// Nothing here has a condition variable: to destroy one waits for its waiters, and in the child of
// a fork the waiting thread does not exist.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "kmapper/process/process.hpp"
#include "process/wait/asleep.hpp"

namespace kmapper::process {

class File;

struct PrefetchJob {
  enum State : std::uint32_t { waiting, running, done };

  PrefetchJob(File& which, std::int64_t at, std::int64_t bytes_wanted) noexcept
      : file(which), offset(at), length(bytes_wanted) {}

  File& file;
  const std::int64_t offset;
  const std::int64_t length;
  std::atomic<std::uint32_t> state{waiting};  // changed with Prefetcher's lock held
  std::atomic<bool> is_cancelled{false};      // relaxed: it is only seen a little later
  std::atomic<std::int64_t> bytes{0};         // relaxed: a count
  Error error{};                              // published by `done`
};

class Prefetcher {
 public:
  Prefetcher() = default;
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;
  ~Prefetcher() { stop(); }

  /// Returns an errno, or 0. Throws std::bad_alloc.
  [[nodiscard]] int start(const std::shared_ptr<PrefetchJob>& job);
  /// Returns when the thread neither uses the job nor will.
  void cancel(PrefetchJob& job) noexcept;
  /// In the child of a fork: forgets the thread, which is the parent's.
  void leave() noexcept { has_thread_ = false; }

 private:
  [[nodiscard]] int start_thread();
  void run();
  void stop() noexcept;

  std::mutex mutex_;  // guards what follows
  std::deque<std::shared_ptr<PrefetchJob>> jobs_;
  Asleep* idle_ = nullptr;  // of the thread, on its stack; begun while it has nothing to do
  bool has_thread_ = false;
  bool is_over_ = false;
  pthread_t thread_{};
  std::atomic<std::uint32_t> news_{0};  // changes when the thread has to look
};

}  // namespace kmapper::process
