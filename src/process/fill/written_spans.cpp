// How what a caller has written to a mapping across granules gets into the file. Such a mapping has
// memory of its own, beside the granules' copies. Once its data() or writable() was called, all of
// it is written by sync(), and when it ends; then the copies show what it shows.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <shared_mutex>

#include "process/fault/cause.hpp"
#include "process/file/file.hpp"
#include "process/fill/write_all.hpp"

namespace kmapper::process {
namespace {

/// Copies over what other threads may be reading, or writing close by, as a mapped file changes
/// under its users. To ThreadSanitizer, memcpy() would be a race.
[[gnu::no_sanitize_thread]] void overwrite(std::byte* to, const std::byte* from, std::size_t size) {
#ifdef __SANITIZE_THREAD__
  volatile std::byte* const bytes = to;
  for (std::size_t i = 0; i < size; ++i) bytes[i] = from[i];
#else
  std::memcpy(to, from, size);
#endif
}

}  // namespace

/// Writes those that are held and show a part of these granules.
void File::write_held_spans(std::uint64_t first, std::uint64_t end) noexcept {
  if (spans_held_.load(std::memory_order_relaxed) == 0) return;
  arena_->spans().for_each_run([&](const SpanArea::Run& run) {
    if (run.file != this || granule_at(run.offset) >= end ||
        granule_at(run.offset + run.length - 1) < first)
      return;
    write_span(arena_->spans().first_of(run), run.offset, run.length);
  });
}

/// Writes the bytes of a span, if they have been written to.
void File::write_span(std::uint32_t first, std::int64_t offset, std::int64_t length) noexcept {
  Arena::SpanUnit& unit = arena_->span_unit(first);
  if (!unit.is_written.load(std::memory_order_relaxed)) return;
  const std::shared_lock lock(writing_);
  const std::int64_t end = std::min(end_to_write(), offset + length);
  int number = end < offset + length ? kCutShort : 0;
  if (end > offset) {
    iovec piece{arena_->span_address(first) + within_granule(offset),
                static_cast<std::size_t>(end - offset)};
    const int now = write_all(descriptor_.number(), direct_, {&piece, 1}, offset, has_size_limit());
    if (now != 0) number = now;
  }
  unit.fault.store(number);
  remember_fault(offset, number);
}

/// A span that was written to is given back: from now on its granules' copies show what it shows.
/// What was written to them meanwhile is written first.
void File::end_written_span(std::uint32_t first, std::int64_t offset,
                            std::int64_t length) noexcept {
  const std::uint64_t end = granule_behind(offset, length);
  (void)write_granules(granule_at(offset), end);
  // Another thread may be writing a whole unit of a copy, which would go over what the span has.
  { const std::unique_lock others_are_done(writing_); }
  write_span(first, offset, length);
  arena_->span_unit(first).is_written.store(false, std::memory_order_relaxed);
  for (std::uint64_t granule = granule_at(offset); granule != end; ++granule)
    show_in_copy(granule, arena_->span_address(first), offset, length);
}

/// Lets a granule's copy show what a span has: the copy may have to be written again, in whole
/// units. After that it is taken back, or declared old; unless it waits to be written.
/// `span`: where the granule of `offset` begins in memory.
void File::show_in_copy(std::uint64_t granule, const std::byte* span, std::int64_t offset,
                        std::int64_t length) noexcept {
  const Page page = make_page(number_, granule);
  Record* const record = arena_->pin_if_mapped(page);
  if (record == nullptr) return;
  const std::int64_t begin = begin_of(*record);
  const auto size = static_cast<std::int64_t>(arena_->granule());
  const std::int64_t from = std::max<std::int64_t>(offset - begin, 0);
  const std::int64_t end = std::min(offset + length - begin, size);
  const std::byte* const shown = span + (begin - begin_of(granule_at(offset)));
  // What is being read for the first time will be old, and read again.
  const bool is_read = record->state.load(std::memory_order_acquire) >= Record::filled;
  Units::Set units =
      units_.of(static_cast<std::size_t>(from), static_cast<std::size_t>(end - from));
  units &= is_read ? record->present.load(std::memory_order_acquire) : 0;
  while (units != 0) {
    const Units::Run run = Units::first_run(units);
    units &= ~run.set();
    const auto [run_begin, run_size] = bytes_of(run);
    const auto at = std::max<std::int64_t>(static_cast<std::int64_t>(run_begin), from);
    const auto behind = std::min(static_cast<std::int64_t>(run_begin) + run_size, end);
    overwrite(record->data() + at, shown + at, static_cast<std::size_t>(behind - at));
  }
  const bool is_kept = unwritten_fault(*record) != 0;
  arena_->unpin(*record);
  if (!is_kept) give_up_copy(page);
}

/// Takes a copy back, or declares it old if it is held.
void File::give_up_copy(Page page) noexcept {
  if (evict(page)) return;
  Record* const record = arena_->pin_if_mapped(page);
  if (record == nullptr) return;
  declare_old(*record);
  arena_->unpin(*record);
}

}  // namespace kmapper::process
