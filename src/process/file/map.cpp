// How a range of a file is mapped: by a hit; by the core, if it lies within one granule; or by a
// run of the span area, if it crosses granules.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "process/api/patience.hpp"
#include "process/file/file.hpp"

namespace kmapper::process {
namespace {

/// Misses move the window's clock, but not more often than this.
constexpr std::uint64_t kClockStepNs = 100'000'000;

/// How often a copy is read again, at most, because its file has changed meanwhile.
constexpr int kMostReads = 3;

}  // namespace

/// Flattened: a hit waits for earlier stores, such as those with which a call saves registers.
[[gnu::flatten]] Expected<Mapping> File::map(std::int64_t offset, std::int64_t length,
                                             const Patience* patience) noexcept {
  const std::size_t within = within_granule(offset);
  const std::uint64_t granule = granule_at(offset);  // of an offset below 0: no file has so many
  if (static_cast<std::uint64_t>(length) - 1 < arena_->granule() - within &&
      (granule < full_granules_.load(std::memory_order_relaxed) ||
       (offset >= 0 && offset <= hit_end_.load(std::memory_order_relaxed) - length))) [[likely]] {
    const Page page = make_page(number_, granule);
    // The CPU fetches the data while the hit waits for the slot's line. Of granules at home the
    // data is elsewhere, and the fetch is of no use.
    const Arena::Window::Word found = arena_->directory().find(
        page, [&](SlotIndex slot) { __builtin_prefetch(arena_->slot_address(slot) + within); });
    auto* const record = static_cast<Record*>(arena_->window().kmap_if_seen(page, found));
    if (record != nullptr) [[likely]] {
      const std::uint32_t state = record->state.load(std::memory_order_acquire);
      if (state == Record::filled) [[likely]]
        return take_over(*record, page, offset, length);
      if (record->has_part(state, units_.of(within, static_cast<std::size_t>(length))))
        return take_over(*record, page, offset, length);
      arena_->unpin_unused(*record);  // map_slow() pins it again, and counts that
    }
  }
  return map_slow(offset, length, patience);
}

File::Around File::map_around(std::int64_t offset, std::int64_t length,
                              const Patience* patience) noexcept {
  if (Error wrong = check_range(offset, length)) return {wrong, offset};
  const auto within = static_cast<std::int64_t>(within_granule(offset));
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  if (length > granule - within) return {map(offset, length, patience), offset};
  // A cursor's user may write to all that it is given, and only that much shall be written back.
  if (writes_back()) return {map(offset, length, patience), offset};
  if (has_copies()) return widened({map(offset, length, patience), offset});
  const std::int64_t begin = offset - within;
  const std::int64_t end = this->end();
  Around around{map(begin, std::min(granule, end - begin), patience), begin};
  // The file has been cut short behind the range, which was found out only just now.
  if (!around.mapping && this->end() < end && lies_within(offset, length, this->end()))
    around.mapping = map(begin, std::min(granule, this->end() - begin), patience);
  return around;
}

/// Extends a mapping within one copy to all units around it that are present.
File::Around File::widened(Around around) const {
  if (!around.mapping || record_of(*around.mapping) == nullptr) return around;
  Mapping& it = *around.mapping;
  const Record& record = *record_of(it);
  // Acquire, both: as in map().
  const std::uint32_t state = record.state.load(std::memory_order_acquire);
  if (state == Record::patched || state == Record::overtaken) return around;
  const Units::Set present =
      state == Record::filled ? units_.all() : record.present.load(std::memory_order_acquire);
  const std::size_t within = within_granule(around.offset);
  const Units::Run run = units_.run_around(present, within);
  const std::int64_t granule = around.offset - static_cast<std::int64_t>(within);
  const std::size_t begin = run.first * units_.size();
  const auto end = static_cast<std::size_t>(
      std::min<std::int64_t>(static_cast<std::int64_t>((run.first + run.count) * units_.size()),
                             hit_end_.load(std::memory_order_relaxed) - granule));
  if (end < within + it.size()) return around;  // the file has been cut short just now
  it.data_ -= within - begin;
  it.size_ = end - begin;
  around.offset = granule + static_cast<std::int64_t>(begin);
  return around;
}

/// Pins a page by kmap(page), and maps it as far as the range needs it.
template <class Kmap>
Expected<Record*> File::pin(Page page, std::int64_t offset, std::int64_t length,
                            Kmap kmap) noexcept {
  Result<void*> slot = kmap(page);
  // A granule that has been patched is mapped anew, unless another caller still holds it.
  while (slot && static_cast<Record*>(*slot)->fault.load() != 0) {
    arena_->window().kunmap_address(*slot);
    arena_->counters().add(Work::unused_hit);
    const bool is_held = !evict(page);
    slot = kmap(page);
    if (is_held) break;
  }
  if (!slot) return refused(slot.error(), offset, length, arena_->slots());
  Record& record = *static_cast<Record*>(*slot);
  if (record.state.load(std::memory_order_relaxed) == Record::pending) {
    const std::uint64_t granule = granule_of(page);
    const std::uint64_t end = granule + length_at(granule);
    if (end != granule + 1) map_ahead(&record, granule + 1, std::min(end, granules()));
  }
  if (const int number = fill(record, units_of(offset, length)); number != 0) {
    arena_->unpin(record);
    return system_error(number, offset, length);
  }
  return &record;
}

/// Maps a range within one granule that has no slot, or whose slot is not ready.
template <class Kmap>
Expected<Mapping> File::map_granule(std::int64_t offset, std::int64_t length,
                                    const Patience* patience, Kmap kmap) noexcept {
  const Page page = page_at(offset);
  for (int tries = 0; tries < kMostReads; ++tries) {
    const Expected<Record*> pinned = pin(page, offset, length, kmap);
    if (!pinned) return pinned.error();
    Record& record = **pinned;
    if (!is_outdated(record, offset, length)) return take_over(record, page, offset, length);
    const std::int64_t end = copy_end(record);
    arena_->unpin(record);
    if (Error wrong = look_again(offset, length, end)) return wrong;
    if (!evict(page)) break;
  }
  // The copy is held, or the file changes all the time.
  return map_span(offset, length, patience);
}

Result<void*> File::kmap(Page page, const Patience* patience) {
  Arena::Window& window = arena_->window();
  if (void* const record = window.kmap_unseen(page)) return record;
  if (patience == nullptr) return MapError::would_sleep;
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  LongWait wait(*arena_, *patience, {this, begin_of(granule_of(page)), granule, 1, false});
  return call_within(wait, window, [&](const Limits<Platform>& limits) {
    return window.kmap_until(page, limits);
  });
}

[[gnu::noinline]] Expected<Mapping> File::map_slow(std::int64_t offset, std::int64_t length,
                                                   const Patience* patience) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  if (arena_->clock().is_due(Platform::rough_now(), kClockStepNs))
    arena_->clock().move(Platform::now());
  if (static_cast<std::uint64_t>(length) <= arena_->granule() - within_granule(offset))
    return map_granule(offset, length, patience,
                       [&](Page page) { return this->kmap(page, patience); });
  return map_span(offset, length, patience);
}

Expected<Mapping> File::map_reserved(kmapper::Reservation<Platform>& reservation,
                                     std::int64_t offset, std::int64_t length) noexcept {
  return map_granule(offset, length, nullptr, [&](Page page) { return reservation.kmap(page); });
}

Mapping File::take_over(Record& record, Page page, std::int64_t offset, std::int64_t length) {
  arena_->window().hand_over(page);  // any thread may destroy the mapping
  return {this, marked(record), record.data() + within_granule(offset),
          static_cast<std::size_t>(length)};
}

/// Maps the file over addresses of the span area, from the range's first granule on, or reads it
/// into them.
Error File::fill_span(std::byte* address, std::size_t size, std::int64_t offset,
                      std::int64_t length, Sharing sharing) {
  const std::uint64_t first = granule_at(offset);
  if (!has_copies()) {
    uses_own_addresses_.store(true, std::memory_order_relaxed);
    for (std::uint32_t i = 0; i < size >> arena_->granule_shift(); ++i)
      arena_->span_unit(arena_->unit_at(address) + i).is_memory = false;
    const int number = map_file(address, size, first, sharing);
    return number == 0 ? Error() : system_error(number, offset, length);
  }
  int number = write_back(first, granule_behind(offset, length));
  if (number == 0) number = unwritten_fault(first, granule_behind(offset, length));
  if (number == 0) number = make_memory(address, size);
  if (number != 0) return system_error(number, offset, length);
  iovec piece{address, size};
  Read read = read_file({&piece, 1}, begin_of(first));
  if (read.number == 0 && arena_->is_strict() && sharing == Sharing::is_private)
    read.number = arena_->protect(address, size, PROT_READ | PROT_WRITE);
  if (read.number != 0) return system_error(read.number, offset, length);
  const std::int64_t end = begin_of(first) + static_cast<std::int64_t>(read.bytes);
  if (lies_within(offset, length, end)) return {};
  if (Error wrong = look_again(offset, length, end)) return wrong;
  return error(WindowErrc::beyond_end, offset, length, end);  // the file is growing now
}

Result<std::uint32_t> File::take_run(std::int64_t offset, std::int64_t length, std::uint32_t units,
                                     const Patience* patience) {
  const SpanArea::Run run{.file = this,
                          .offset = offset,
                          .length = length,
                          .since_ns = 0,
                          .thread = thread_number(),
                          .units = units};
  if (patience == nullptr) return arena_->spans().take(run, nullptr);
  LongWait wait(*arena_, *patience, {this, offset, length, units, true});
  return arena_->spans().take(run, &wait);
}

Expected<Mapping> File::map_private(std::int64_t offset, std::int64_t length,
                                    const Patience& patience) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  return map_span(offset, length, &patience, Sharing::is_private);
}

/// Maps a range across granules: a run of the span area, by one call.
Expected<Mapping> File::map_span(std::int64_t offset, std::int64_t length, const Patience* patience,
                                 Sharing sharing) noexcept {
  if (length > longest()) {
    return error(WindowErrc::too_large, offset, length, longest(),
                 "longer than Options::span_bytes allows for a mapping across granules");
  }
  const std::uint64_t first = granule_at(offset);
  const auto units = static_cast<std::uint32_t>(granule_behind(offset, length) - first);
  Result<std::uint32_t> run = MapError::would_sleep;
  try {
    run = take_run(offset, length, units, patience);
  } catch (const std::bad_alloc&) {
    return system_error(ENOMEM, offset, length);
  }
  if (!run) return refused(run.error(), offset, length, arena_->spans().units());
  std::byte* const address = arena_->span_address(*run);
  const std::size_t size = std::size_t{units} << arena_->granule_shift();
  if (Error wrong = fill_span(address, size, offset, length, sharing)) {
    arena_->spans().give_back(*run);
    return wrong;
  }
  for (std::uint32_t i = 0; i < units; ++i) {
    Arena::SpanUnit& unit = arena_->span_unit(*run + i);
    unit.fault.store(0);
    unit.is_private.store(sharing == Sharing::is_private, std::memory_order_relaxed);
    unit.offset.store(begin_of(first + i), std::memory_order_relaxed);
    unit.file.store(this, std::memory_order_release);  // acquired by Arena::patch()
  }
  arena_->counters().add(Work::span);
  spans_held_.fetch_add(1, std::memory_order_relaxed);
  const std::uintptr_t mark = sharing == Sharing::is_private ? 0 : mark_;
  return Mapping(this, reinterpret_cast<Record*>(mark), address + within_granule(offset),
                 static_cast<std::size_t>(length));
}

void File::release(const Mapping& mapping) noexcept {
  if (arena_->is_left()) [[unlikely]]
    return;
  Record* const record = record_of(mapping);
  if (record == nullptr) return release_span(mapping);
  arena_->unpin(*record);
}

[[gnu::noinline]] void File::release_span(const Mapping& mapping) noexcept {
  const std::uint32_t first = arena_->unit_at(mapping.data_);
  const std::uint32_t last = arena_->unit_at(mapping.data_ + mapping.size_ - 1);
  if (Arena::SpanUnit& unit = arena_->span_unit(first);
      unit.is_written.load(std::memory_order_relaxed)) {
    const auto within = static_cast<std::int64_t>(mapping.data_ - arena_->span_address(first));
    end_written_span(first, unit.offset.load(std::memory_order_relaxed) + within,
                     static_cast<std::int64_t>(mapping.size_));
  }
  // The pages that were written are no other mapping's.
  if (arena_->is_strict() || arena_->span_unit(first).is_private.load(std::memory_order_relaxed)) {
    arena_->plug(arena_->span_address(first),
                 std::size_t{last - first + 1} << arena_->granule_shift());
    for (std::uint32_t i = first; i <= last; ++i) arena_->span_unit(i).is_memory = false;
  }
  for (std::uint32_t i = first; i <= last; ++i)
    arena_->span_unit(i).file.store(nullptr, std::memory_order_relaxed);
  // Release: pairs with evict_from().
  spans_held_.fetch_sub(1, std::memory_order_release);
  arena_->spans().give_back(first);
}

}  // namespace kmapper::process
