// A prefetch that tells when it is done. A thread of the budget brings a range of a file into the
// window, so that its accesses wait neither for the disk nor for a page fault.
//
//     auto next = start_prefetch(file, offset + length, length);
//     use(offset, length);  // meanwhile
//     if (Error error = next->wait()) return puts(error.message().c_str());
//
// FileWindow::prefetch() is the hint without a thread and without an end.
#pragma once

#include <cstdint>
#include <memory>

#include "kmapper/export.h"
#include "kmapper/process/process.hpp"

namespace kmapper::process {

struct PrefetchJob;

/// A prefetch, in progress or done. Move-only; used by one thread at a time. Must not outlive its
/// window.
class [[nodiscard]] KMAPPER_API Prefetch {
 public:
  /// One that has nothing to do, and is done.
  Prefetch() noexcept;
  Prefetch(Prefetch&&) noexcept;
  /// Ends what this prefetch did, as the destructor does.
  Prefetch& operator=(Prefetch&&) noexcept;
  /// Ends it: what is not in the window by now will not be. Waits for the part that is being read,
  /// of one MiB at most.
  ~Prefetch();

  /// Never waits.
  [[nodiscard]] bool is_done() const noexcept;
  /// Sleeps until it is done. Returns why it ended early, if it did: of the system (a read that
  /// failed), cut_short, forked.
  [[nodiscard]] Error wait() noexcept;
  /// How much of the range it has found or brought in the window so far. When it is done, less than
  /// the range if that is more than a quarter of the budget, or if callers hold so much that no
  /// more could be mapped.
  [[nodiscard]] std::int64_t bytes() const noexcept;

 private:
  friend Expected<Prefetch> start_prefetch(FileWindow&, std::int64_t, std::int64_t) noexcept;
  explicit Prefetch(std::shared_ptr<PrefetchJob> job) noexcept;
  std::shared_ptr<PrefetchJob> job_;  // null: nothing to do
};

/// Starts to bring a range into the window: as much as is possible without waiting for what others
/// hold, from its beginning on, and at most a quarter of the budget. What has come stays until the
/// budget needs its place, like all that no caller holds. The prefetches of a budget are done one
/// after the other, by a thread that the first of them starts, and that ends with the budget. The
/// thread takes no signals but those of faults. While it exists, a call that would sleep for ever
/// because all threads sleep fails after 10 ms, not at once. Returns without waiting. Errors: as
/// for mapping the range; of the system (no thread). Any thread.
[[nodiscard]] KMAPPER_API Expected<Prefetch> start_prefetch(FileWindow& window, std::int64_t offset,
                                                            std::int64_t length) noexcept;

}  // namespace kmapper::process
