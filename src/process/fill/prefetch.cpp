// How a range is brought into the window before it is used: by the budget's thread, which makes
// what a caller's access would make the kernel do.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "process/file/file.hpp"
#include "process/fill/prefetcher.hpp"
#include "system/page_size.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

/// The most granules that are pinned at once.
constexpr std::size_t kMostAtOnce = 64;

/// Reads a range into the page cache. Returns an errno, or 0.
int read_through(int descriptor, std::int64_t offset, std::int64_t length) {
  std::array<std::byte, std::size_t{32} << 10> some;
  while (length > 0) {
    const auto size = std::min<std::int64_t>(length, some.size());
    const ssize_t got = system::uninterrupted(
        [&] { return pread64(descriptor, some.data(), static_cast<std::size_t>(size), offset); });
    if (got < 0) return errno;
    if (got == 0) return 0;  // the file ends here
    offset += got;
    length -= got;
  }
  return 0;
}

}  // namespace

/// Called by the budget's thread.
void File::carry_out(PrefetchJob& job) noexcept {
  const std::uint64_t first = granule_at(job.offset);
  const std::uint64_t end = end_of_prefetch(job.offset, job.length);
  const std::uint64_t at_once = std::clamp<std::uint64_t>(most_ahead(), 1, kMostAtOnce);
  for (std::uint64_t granule = first; granule < end;) {
    if (job.is_cancelled.load(std::memory_order_relaxed)) return;
    const std::uint64_t next = std::min(granule + at_once, end);
    const Brought brought = bring(granule, next);
    granule += brought.granules;
    const std::int64_t offset = begin_of(granule);
    job.bytes.store(std::clamp<std::int64_t>(offset - job.offset, 0, job.length),
                    std::memory_order_relaxed);
    if (brought.number != 0) {
      job.error =
          system_error(brought.number, offset, static_cast<std::int64_t>(arena_->granule()));
    }
    // Others hold nearly all: the next granules would take the places of these.
    if (granule != next) return;
  }
}

/// Maps granules as far as that needs nothing that is held, and has what they show read from its
/// disk, and its page tables filled.
File::Brought File::bring(std::uint64_t granule, std::uint64_t end) noexcept {
  for (;;) {
    const ReadAheads::Turn turn(read_aheads_);
    if (turn) {
      std::array<Record*, kMostAtOnce> records;
      const std::size_t count = pin_ahead(granule, std::min(end, granules()), records);
      const std::span all = std::span(records).first(count);
      fill_pending(all);
      Brought brought;
      for (Record* const it : all) {
        brought.number = fill(*it, units_.all());
        if (brought.number == 0) brought.number = populate(*it);
        if (brought.number != 0) break;
        ++brought.granules;
      }
      for (Record* const it : all) arena_->unpin(*it);
      return brought;
    }
    std::this_thread::yield();  // a call waits for read-aheads to end: see ReadAheads::Pause
  }
}

/// Makes the kernel map all pages of a granule. Kernels before 5.14 cannot do so: there its pages
/// are at least read from the disk. Returns an errno, or 0.
int File::populate(const Record& record) noexcept {
  if (has_copies()) return 0;
  const std::int64_t offset = begin_of(record);
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  const std::int64_t length = std::clamp<std::int64_t>(size() - offset, 0, granule);
  const auto populate = [&] {
    return madvise(record.data(), static_cast<std::size_t>(length), MADV_POPULATE_READ);
  };
  if (length == 0 || system::uninterrupted(populate) == 0) return 0;
  return read_through(descriptor_.number(), offset, length);
}

}  // namespace kmapper::process
