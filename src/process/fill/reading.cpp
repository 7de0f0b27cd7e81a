// How copies are read: into ordinary memory of the budget, as far as they are asked for.
//
//     pending --> filling --> partial <--> widening        the thread that reads owns the record;
//                    |           |            |            the others use what is present, or wait
//                    +-----------+--> filled <+
//
// A unit (units.hpp) is read once, and its bit in Record::present is set when that is done. So hits
// go on in a granule of which another thread reads more. A call reads the units that it needs. When
// the units before them are present, it reads as many more: a caller that goes through a granule
// doubles what it reads each time. Granules that are read ahead are read as a whole.
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "process/file/file.hpp"
#include "system/pieces.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {

/// Reads the file into memory of the arena, as far as it goes, and fills the rest with zeros.
File::Read File::read_file(std::span<iovec> pieces, std::int64_t offset) {
  arena_->counters().add(Work::map_call);
  if (!arena_->is_strict()) return read_into(pieces, offset);
  std::array<iovec, kMostPieces> all;
  std::copy(pieces.begin(), pieces.end(), all.begin());
  const auto protect = [&](int protection) {
    int number = 0;
    for (const iovec& it : std::span(all).first(pieces.size())) {
      const int now = arena_->protect(static_cast<std::byte*>(it.iov_base), it.iov_len, protection);
      if (now != 0) number = now;
    }
    return number;
  };
  if (const int number = protect(PROT_READ | PROT_WRITE); number != 0) return {.number = number};
  Read read = read_into(pieces, offset);
  if (const int number = protect(protection()); number != 0) read.number = number;
  return read;
}

File::Read File::read_into(std::span<iovec> pieces, std::int64_t offset) {
  Read read;
  while (!pieces.empty()) {
    const std::int64_t at = offset + static_cast<std::int64_t>(read.bytes);
    const int from = descriptor_for(pieces, at);
    const ssize_t got = system::uninterrupted([&] {
      return pieces.size() == 1
                 ? pread64(from, pieces[0].iov_base, pieces[0].iov_len, at)
                 : preadv64(from, pieces.data(), static_cast<int>(pieces.size()), at);
    });
    if (got < 0) return {.number = errno};
    if (got == 0) break;
    read.bytes += static_cast<std::size_t>(got);
    pieces = system::without(pieces, static_cast<std::size_t>(got));
  }
  for (const iovec& it : pieces)
    std::fill_n(static_cast<std::byte*>(it.iov_base), it.iov_len, std::byte{0});
  return read;
}

/// The size of the file, for a thread that begins to read a copy.
std::int64_t File::size_for_reading() {
  // Written, though unchanged: pairs with set_size(). One of the two writes comes first: then
  // either set_size() finds the copy pinned, or this call sees the new size.
  return size_.fetch_add(0, std::memory_order_acq_rel);
}

/// Fills copies of neighbours, which the caller is filling, by one call. Returns an errno, or 0.
int File::read_copies(std::span<Record* const> run) {
  const std::int64_t known = size_for_reading();
  const auto granule = static_cast<std::int64_t>(arena_->granule());
  std::array<iovec, kMostPieces> pieces;
  std::size_t count = 0;
  for (Record* const it : run)
    count = system::add_piece(pieces, count, it->data(), arena_->granule());
  const Read read = read_file(std::span(pieces).first(count), begin_of(*run.front()));
  if (read.number != 0) return read.number;
  auto rest = static_cast<std::int64_t>(read.bytes);
  for (Record* const it : run) {
    it->copied.store(static_cast<std::uint32_t>(granule), std::memory_order_relaxed);
    note_end(*it, known, granule, std::clamp<std::int64_t>(rest, 0, granule));
    it->present.store(units_.all(), std::memory_order_release);
    rest -= granule;
  }
  return 0;
}

/// Notes what a read of a granule has found, which wanted its bytes up to `wanted` and got those up
/// to `read`. The size was `known` before.
void File::note_end(Record& record, std::int64_t known, std::int64_t wanted, std::int64_t read) {
  if (read == wanted) return;
  shorten(record, read);
  if (read < std::min(known - begin_of(record), wanted))
    record.outdated.store(true, std::memory_order_relaxed);
}

/// Notes that the file ends there, in bytes from the granule's begin.
void File::shorten(Record& record, std::int64_t end) {
  const auto now = static_cast<std::uint32_t>(end);
  std::uint32_t before = record.copied.load(std::memory_order_relaxed);
  while (now < before &&
         !record.copied.compare_exchange_weak(before, now, std::memory_order_relaxed))
    continue;
}

/// Reads units of a granule, whose reading the caller has begun, by one call for each run of them.
/// Returns an errno, or 0.
int File::read_units(Record& record, Units::Set units) {
  if (const int number = make_memory(record); number != 0) return number;
  const std::int64_t known = size_for_reading();
  while (units != 0) {
    const Units::Run run = Units::first_run(units);
    const auto [within, size] = bytes_of(run);
    iovec piece{record.data() + within, static_cast<std::size_t>(size)};
    const Read read = read_file({&piece, 1}, begin_of(record) + within);
    if (read.number != 0) return read.number;
    note_read(record, known, run, static_cast<std::int64_t>(read.bytes));
    units &= ~run.set();
  }
  return 0;
}

/// Notes that a run of units has been read, of which the file had so many bytes. The size was
/// `known` before.
void File::note_read(Record& record, std::int64_t known, Units::Run run, std::int64_t bytes) {
  const auto [within, size] = bytes_of(run);
  note_end(record, known, within + size, within + bytes);
  // Only this thread writes it now. Release: pairs with hits.
  record.present.store(record.present.load(std::memory_order_relaxed) | run.set(),
                       std::memory_order_release);
}

/// fill() for a copy.
int File::fill_copy(Record& record, Units::Set needed) {
  for (;;) {
    const Reading reading = begin_reading(record, needed);
    if (reading.is_over()) return 0;
    if (!reading.is_own) {
      record.state.wait(reading.state, std::memory_order_acquire);
      continue;
    }
    const int number = read_units(record, reading.units);
    end_reading(record, reading.state, number);
    if (number != 0) return number;
  }
}

/// Makes the calling thread the one that reads those of the units that are not present, if no
/// thread is reading the copy, and any are not. Then the thread must call end_reading().
File::Reading File::begin_reading(Record& record, Units::Set needed) {
  for (;;) {
    // Acquire: pairs with the thread that has read it, and the record's earlier users.
    std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == Record::filled) return {};
    if (state == Record::filling || state == Record::overtaken) return {.state = state};
    if (state == Record::pending) {
      if (!record.begin_filling()) continue;
      place(record, false);
      record.copied.store(static_cast<std::uint32_t>(arena_->granule()), std::memory_order_relaxed);
      return {.state = Record::filling, .units = needed, .is_own = true};
    }
    // What lies behind the end is not read: is_outdated() says that it is not there.
    const std::uint32_t copied = record.copied.load(std::memory_order_relaxed);
    const Units::Set there = copied != 0 ? units_.of(0, copied) : 0;
    const Units::Set missing = needed & there & ~record.present.load(std::memory_order_acquire);
    if (missing == 0) return {};
    if (state == Record::widening) return {.state = state};
    const std::uint32_t reading = state == Record::partial ? Record::widening : Record::overtaken;
    if (!record.state.compare_exchange_strong(state, reading, std::memory_order_acquire,
                                              std::memory_order_relaxed))
      continue;
    // Another thread may have read some of them before this one got its turn. What is present may
    // be in use, and may have been written to. Relaxed: the turn came after that.
    const Units::Set units = missing & ~record.present.load(std::memory_order_relaxed);
    return {.state = reading, .units = units != 0 ? with_next(record, units) : 0, .is_own = true};
  }
}

/// Ends the calling thread's reading, which began with that state. `number`: the errno with which
/// it failed, or 0.
void File::end_reading(Record& record, std::uint32_t state, int number) const {
  const bool is_all = record.present.load(std::memory_order_relaxed) == units_.all();
  const std::uint32_t next = is_all ? Record::filled : Record::partial;
  // Release: pairs with map(). The swap fails if refresh() has overtaken it.
  if (state == Record::filling && number != 0) {
    record.present.store(0, std::memory_order_relaxed);
    record.state.store(Record::pending, std::memory_order_release);
  } else if (record.outdated.load(std::memory_order_relaxed) || state == Record::overtaken ||
             !record.state.compare_exchange_strong(state, next, std::memory_order_release,
                                                   std::memory_order_relaxed)) {
    record.state.store(Record::patched, std::memory_order_release);
  }
  record.state.notify_all();
}

/// The missing units, and behind the first run of them as many as are present before it.
Units::Set File::with_next(const Record& record, Units::Set missing) const {
  if (streams_.is_random()) return missing;
  const Units::Set present = record.present.load(std::memory_order_relaxed);
  const Units::Run run = Units::first_run(missing);
  if (run.first == 0) return missing;
  const unsigned before = Units::run_before(present, run.first);
  const Units::Run next{run.first, std::max(run.count, before)};
  return missing | (next.set() & units_.all() & ~present);
}

/// Gives neighbours memory, by one call for each part of the run that has none. Returns an errno,
/// or 0.
int File::make_memory(std::span<Record* const> run) {
  for (std::size_t begin = 0; begin < run.size();) {
    std::size_t end = begin;
    while (end < run.size() && !arena_->has_memory(*run[end]) &&
           run[end]->data() == run[begin]->data() + ((end - begin) << arena_->granule_shift()))
      ++end;
    if (end == begin) {
      arena_->set_own(*run[begin++], Record::Own::memory);
      continue;
    }
    const std::size_t size = (end - begin) << arena_->granule_shift();
    if (const int number = arena_->map_memory(run[begin]->data(), size); number != 0) return number;
    for (; begin != end; ++begin) arena_->set_own(*run[begin], Record::Own::memory);
  }
  return 0;
}

/// The same for a run of the span area, which the caller has taken.
int File::make_memory(std::byte* address, std::size_t size) {
  const std::uint32_t first = arena_->unit_at(address);
  const std::uint32_t end = first + static_cast<std::uint32_t>(size >> arena_->granule_shift());
  bool is_memory = true;
  for (std::uint32_t i = first; i != end; ++i) is_memory &= arena_->span_unit(i).is_memory;
  if (is_memory) return 0;
  if (const int number = arena_->map_memory(address, size); number != 0) return number;
  for (std::uint32_t i = first; i != end; ++i) arena_->span_unit(i).is_memory = true;
  return 0;
}

}  // namespace kmapper::process
