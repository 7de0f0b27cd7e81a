#include "kmapper/process/prefetch.hpp"

#include <new>
#include <utility>

#include "process/api/internals.hpp"
#include "process/file/file.hpp"
#include "process/fill/prefetcher.hpp"

namespace kmapper::process {

Prefetch::Prefetch() noexcept = default;
Prefetch::Prefetch(std::shared_ptr<PrefetchJob> job) noexcept : job_(std::move(job)) {}
Prefetch::Prefetch(Prefetch&&) noexcept = default;

Prefetch& Prefetch::operator=(Prefetch&& other) noexcept {
  Prefetch taken(std::move(other));
  job_.swap(taken.job_);  // `taken` ends the old one
  return *this;
}

Prefetch::~Prefetch() {
  if (job_ != nullptr && !job_->file.is_left()) job_->file.prefetcher().cancel(*job_);
}

bool Prefetch::is_done() const noexcept {
  // Acquire: pairs with Prefetcher::run(), as in wait().
  return job_ == nullptr || job_->file.is_left() ||
         job_->state.load(std::memory_order_acquire) == PrefetchJob::done;
}

Error Prefetch::wait() noexcept {
  if (job_ == nullptr) return {};
  PrefetchJob& job = *job_;
  if (job.file.is_left()) return job.file.error(WindowErrc::forked, job.offset, job.length);
  for (;;) {
    const std::uint32_t state = job.state.load(std::memory_order_acquire);
    if (state == PrefetchJob::done) return job.error;
    job.state.wait(state, std::memory_order_acquire);
  }
}

std::int64_t Prefetch::bytes() const noexcept {
  return job_ != nullptr ? job_->bytes.load(std::memory_order_relaxed) : 0;
}

Expected<Prefetch> start_prefetch(FileWindow& window, std::int64_t offset,
                                  std::int64_t length) noexcept {
  File& file = *Internals::file_of(window);
  if (Error wrong = file.check_range(offset, length)) return wrong;
  int number = ENOMEM;
  try {
    auto job = std::make_shared<PrefetchJob>(file, offset, length);
    number = file.prefetcher().start(job);
    if (number == 0) return Prefetch(std::move(job));
  } catch (const std::bad_alloc&) {
  }
  return file.error({number, std::system_category()}, offset, length);
}

}  // namespace kmapper::process
