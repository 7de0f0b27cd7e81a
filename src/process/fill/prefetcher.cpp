#include "process/fill/prefetcher.hpp"

#include <algorithm>
#include <csignal>

#include "process/file/file.hpp"

namespace kmapper::process {

int Prefetcher::start(const std::shared_ptr<PrefetchJob>& job) {
  const std::lock_guard lock(mutex_);
  if (!has_thread_) {
    if (const int number = start_thread(); number != 0) return number;
    has_thread_ = true;
  }
  jobs_.push_back(job);
  if (idle_ != nullptr) idle_->end();
  news_.fetch_add(1, std::memory_order_relaxed);  // the lock publishes the job
  news_.notify_one();
  return 0;
}

/// The thread runs no handler of the program. Faults in it must not be blocked: the kernel ends a
/// process for a blocked one.
int Prefetcher::start_thread() {
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (const int fault : {SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const auto begin = [](void* self) -> void* {
    static_cast<Prefetcher*>(self)->run();
    return nullptr;
  };
  const int number = pthread_create(&thread_, nullptr, begin, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (number == 0) (void)pthread_setname_np(thread_, "kmapper");
  return number;
}

void Prefetcher::run() {
  Asleep idle;  // so that the process's other threads may be found to be all asleep
  std::unique_lock lock(mutex_);
  idle_ = &idle;
  while (!is_over_) {
    if (jobs_.empty()) {
      idle.begin();
      const std::uint32_t seen = news_.load(std::memory_order_relaxed);
      lock.unlock();
      news_.wait(seen, std::memory_order_relaxed);
      lock.lock();
      idle.end();
      continue;
    }
    const std::shared_ptr<PrefetchJob> job = std::move(jobs_.front());
    jobs_.pop_front();
    job->state.store(PrefetchJob::running, std::memory_order_relaxed);
    lock.unlock();
    job->file.carry_out(*job);
    lock.lock();
    job->state.store(PrefetchJob::done, std::memory_order_release);  // pairs with Prefetch
    job->state.notify_all();
  }
}

void Prefetcher::cancel(PrefetchJob& job) noexcept {
  job.is_cancelled.store(true, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(jobs_, [&job](const auto& it) { return it.get() == &job; });
    if (job.state.load(std::memory_order_relaxed) != PrefetchJob::running) {
      job.state.store(PrefetchJob::done, std::memory_order_release);
      return;
    }
  }
  job.state.wait(PrefetchJob::running, std::memory_order_acquire);
}

void Prefetcher::stop() noexcept {
  if (!has_thread_) return;  // and in a child, the lock may stay locked for ever
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    news_.fetch_add(1, std::memory_order_relaxed);
    news_.notify_one();
  }
  pthread_join(thread_, nullptr);
}

}  // namespace kmapper::process
