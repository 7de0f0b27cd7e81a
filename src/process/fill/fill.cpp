// How granules are mapped: by the first thread that holds a pin of them. Neighbours are mapped by
// one system call: granules that follow each other in the file, if their addresses do, too. At home
// they always do; in slots nearly always, because slots are taken in order.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "process/file/file.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {
namespace {

/// The most that is mapped at once for a sequential read.
constexpr std::uint64_t kMostBytesAhead = std::uint64_t{1} << 20;
constexpr std::uint64_t kMostGranulesAhead = 64;

void end_filling(Record& record, int number) {
  // An access during the filling may have shown that the file does not have the page.
  const bool is_bad = record.fault.load() != 0 || record.outdated.load(std::memory_order_relaxed);
  std::uint32_t filling = Record::filling;
  // Release: pairs with map(). The swap fails if File::refresh() has overtaken it.
  if (number != 0)
    record.state.store(Record::pending, std::memory_order_release);
  else if (is_bad ||
           !record.state.compare_exchange_strong(filling, Record::filled, std::memory_order_release,
                                                 std::memory_order_relaxed))
    record.state.store(Record::patched, std::memory_order_release);
  record.state.notify_all();
}

}  // namespace

/// Maps the record's granule, of a copy at least the units that are needed. Returns 0 or an errno.
/// The caller holds a pin.
int File::fill(Record& record, Units::Set needed) {
  if (has_copies()) return fill_copy(record, needed);
  for (;;) {
    // Acquire, both: pairs with end_filling(), and the record's earlier users.
    const std::uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == Record::filled) return 0;
    if (state == Record::patched) {
      remember_fault(begin_of(record), record.fault.load());
      return 0;
    }
    if (state == Record::filling) {
      record.state.wait(Record::filling, std::memory_order_acquire);
    } else if (record.begin_filling()) {
      place(record, false);
      Record* const run[] = {&record};
      const int number = map_run(run);
      end_filling(record, number);
      if (number != 0) return number;
    }
  }
}

Error File::fill(Record& record, std::int64_t offset, std::int64_t length) {
  const int number = fill(record, units_of(offset, length));
  return number == 0 ? Error() : system_error(number, offset, length);
}

void File::fill_pending(std::span<Record* const> records) {
  const auto follows = [this](const Record& record, const Record& before) {
    return record.is_at_home() == before.is_at_home() &&
           arena_->page_of(record) == arena_->page_of(before) + 1 &&
           (has_copies() || record.data() == before.data() + arena_->granule());
  };
  for (std::size_t begin = 0; begin < records.size();) {
    std::size_t end = begin;
    while (end < records.size() && end - begin < kMostPieces && records[end]->begin_filling()) {
      place(*records[end], true);
      if (end != begin && !follows(*records[end], *records[end - 1])) {
        end_filling(*records[end], EAGAIN);
        break;
      }
      ++end;
    }
    if (end == begin) {
      ++begin;  // another thread maps it, or it is mapped
      continue;
    }
    const std::span run = records.subspan(begin, end - begin);
    const int number = map_run(run);
    for (Record* const it : run) end_filling(*it, number);
    begin = end;
  }
}

/// Decides where the granule will be. The caller is filling it.
void File::place(Record& record, bool ahead) {
  const std::uint64_t granule = granule_of(arena_->page_of(record));
  const bool at_home =
      home_ != nullptr && home_->has(granule) && !(ahead && home_->is_slow_in_runs());
  record.place(at_home ? home_->address(granule) : arena_->slot_address(arena_->slot_of(record)),
               at_home, number_);
}

/// Maps neighbours that have been placed. Returns an errno, or 0.
int File::map_run(std::span<Record* const> run) {
  if (!run.front()->is_at_home()) return map_in_slots(run);
  for (Record* const it : run) {
    // Otherwise more would be mapped than there are slots.
    if (it->is_occupied()) arena_->plug(*it);
  }
  const std::uint64_t granule = granule_of(arena_->page_of(*run.front()));
  if (home_->fills_by_a_call()) arena_->counters().add(Work::map_call);
  const int number = home_->fill(granule, run.size(), size());
  if (number != 0 || home_->has(granule)) return number;
  // It has just been found that this file cannot have a home.
  for (Record* const it : run) {
    place(*it, false);
    if (const int number = map_in_slots({&it, 1}); number != 0) return number;
  }
  return 0;
}

int File::map_in_slots(std::span<Record* const> run) {
  if (has_copies()) {
    const int number = make_memory(run);
    return number == 0 ? read_copies(run) : number;
  }
  for (Record* const it : run) arena_->set_own(*it, Record::Own::file);
  arena_->limit_mappings();
  uses_own_addresses_.store(true, std::memory_order_relaxed);
  const std::size_t size = run.size() << arena_->granule_shift();
  const std::uint64_t granule = granule_of(arena_->page_of(*run.front()));
  return map_file(run.front()->data(), size, granule);
}

/// Maps the file over addresses of the arena, from a granule on. Returns an errno, or 0.
int File::map_file(std::byte* address, std::size_t size, std::uint64_t granule, Sharing sharing) {
  // A mapping of huge pages that is writable from the start would lengthen a file that ends within
  // it.
  const bool is_huge = page_ != system::page_size();
  const bool is_private = sharing == Sharing::is_private;
  const int protection = is_private ? PROT_READ | PROT_WRITE : this->protection();
  const auto map = [&] {
    return arena_->map(address, size, is_huge ? PROT_READ : protection, descriptor_.number(),
                       begin_of(granule), is_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED);
  };
  const int number = arena_->with_room_for_mappings(map);
  if (number == 0 && is_huge && mprotect(address, size, protection) != 0) return errno;
  return number;
}

/// A hint: it waits neither for the disk nor for other mappings.
Error File::prefetch(std::int64_t offset, std::int64_t length) noexcept {
  if (Error wrong = check_range(offset, length)) return wrong;
  (void)posix_fadvise64(descriptor_.number(), offset, length, POSIX_FADV_WILLNEED);
  if (has_copies()) return {};  // reading them would be waiting
  const std::uint64_t end = end_of_prefetch(offset, length);
  for (std::uint64_t granule = granule_at(offset); granule < end; granule += kMostGranulesAhead)
    map_ahead(nullptr, granule, end);
  return {};
}

/// A prefetch maps the granules of its range up to this one: a quarter of the slots at most.
std::uint64_t File::end_of_prefetch(std::int64_t offset, std::int64_t length) const {
  const std::uint64_t most = std::max<std::uint64_t>(arena_->slots() / 4, 1);
  return std::min(granule_behind(offset, length), granule_at(offset) + most);
}

/// Maps the granules up to `end`, as many as there is room for without waiting, together with that
/// of `own`, which the caller holds and which comes before them. Gives up its pins of the others at
/// the end.
void File::map_ahead(Record* own, std::uint64_t granule, std::uint64_t end) {
  const ReadAheads::Turn turn(read_aheads_);
  if (!turn) return;
  std::array<Record*, kMostGranulesAhead> records;
  std::size_t count = 0;
  if (own != nullptr) records[count++] = own;
  count += pin_ahead(granule, end, std::span(records).subspan(count));
  const std::span all = std::span(records).first(count);
  fill_pending(all);
  for (Record* const it : all) {
    arena_->window().note_ahead(it);
    // The first use of a granule that was mapped ahead will be a hit, and give it a second chance.
    // `own` gets one here: else it would be taken back before its neighbours, and their slots would
    // no longer be neighbours.
    if (it != own)
      arena_->unpin(*it);
    else if (arena_->window().try_kmap(arena_->page_of(*it)) != nullptr)
      arena_->unpin_unused(*it);
  }
}

/// Pins granules as far as that needs nothing that is held. Returns how many.
std::size_t File::pin_ahead(std::uint64_t granule, std::uint64_t end, std::span<Record*> records) {
  std::size_t count = 0;
  for (; granule < end && count < records.size(); ++granule) {
    const Page page = make_page(number_, granule);
    Record* record = arena_->pin_if_mapped(page);
    if (record == nullptr) record = static_cast<Record*>(arena_->window().try_kmap(page));
    if (record == nullptr) break;
    records[count++] = record;
  }
  return count;
}

/// How many granules to map from a missed one on.
std::uint64_t File::length_at(std::uint64_t granule) {
  Wide<Page>& last = arena_->last_miss();
  const bool goes_on =
      granule != 0 && last.is(make_page(number_, granule - 1), std::memory_order_relaxed);
  const std::uint64_t length = streams_.length_at(granule, most_ahead(), goes_on);
  last.store(make_page(number_, granule + length - 1), std::memory_order_relaxed);
  return length;
}

/// How many granules may be mapped at once, beyond what is asked for: a small part of the slots if
/// there are few.
std::uint64_t File::most_ahead() const {
  return std::min({kMostGranulesAhead, kMostBytesAhead >> arena_->granule_shift(),
                   std::uint64_t{arena_->slots()} / 8});
}

}  // namespace kmapper::process
