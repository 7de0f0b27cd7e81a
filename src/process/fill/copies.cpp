// Copies (see reading.cpp), and what becomes of them when their file gets longer or shorter.
//
// A copy has as many bytes of its granule (Record::copied) as the file had when it was read, and
// zeros behind them. A hit does not look at a copy's length. It compares its range with hit_end_,
// and these invariants hold:
//
//     what a hit may find of a copy reaches as far as hit_end_, or to its last unit's end;
//     a copy that was found to end before the size() of the time when reading began, or that
//     refresh() has declared old, is `outdated`, and no hit finds it.
//
// So when a file has grown, hit_end_ follows only when the copy that ended with the file is gone.
// While that copy is held, ranges behind its end are read into the span area instead. A copy that
// is being read may turn out to be that copy.
//
// The size that the system gives for a file is not always right: a file of sysfs has 4,096 bytes
// until it is read. Reading decides. The end that reading finds is the size, as long as the system
// gives the same wrong one.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "process/file/file.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {
namespace {

/// Whether a byte can be read there. A failed read, which shows neither a byte nor the end, counts
/// as a byte.
bool has_byte_at(int descriptor, std::int64_t offset) {
  char byte = 0;
  return system::uninterrupted([&] { return pread64(descriptor, &byte, 1, offset); }) != 0;
}

/// The end of a file that ends in the range: where reading finds it.
std::int64_t find_end(int descriptor, std::int64_t begin, std::int64_t end) {
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    if (has_byte_at(descriptor, middle)) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return end;
}

}  // namespace

bool File::is_outdated(const Record& record, std::int64_t offset, std::int64_t length) const {
  return has_copies() &&
         (record.outdated.load(std::memory_order_relaxed) || !is_copied(record, offset, length));
}

bool File::is_copied(const Record& record, std::int64_t offset, std::int64_t length) const {
  return !has_copies() ||
         static_cast<std::int64_t>(within_granule(offset)) + length <=
             static_cast<std::int64_t>(record.copied.load(std::memory_order_relaxed));
}

Error File::look_again(std::int64_t offset, std::int64_t length, std::int64_t read_end) noexcept {
  if (const int number = refresh_size(read_end); number != 0)
    return system_error(number, offset, length);
  return check_end(offset, length);
}

std::int64_t File::copy_end(const Record& record) const {
  return begin_of(record) +
         static_cast<std::int64_t>(record.copied.load(std::memory_order_relaxed));
}

/// The real size of a file for which the system gives the size `claimed`. `read_end`: where a read
/// has ended. The caller holds sizing_.
std::int64_t File::readable_size(std::int64_t claimed, std::int64_t read_end) {
  if (!has_copies()) return claimed;
  if (read_end == kNotRead && claimed == claimed_) read_end = found_end_;
  if (read_end >= claimed || has_byte_at(descriptor_.number(), read_end)) {
    claimed_ = -1;
    return claimed;
  }
  claimed_ = claimed;
  found_end_ = find_end(descriptor_.number(), 0, read_end);
  return found_end_;
}

/// The caller holds sizing_, and no pin of this file.
void File::set_size(std::int64_t size) {
  size_.exchange(size, std::memory_order_acq_rel);  // pairs with size_for_reading()
  const std::int64_t end = this->end();
  const std::int64_t before = hit_end_.load(std::memory_order_relaxed);
  // Also where this returns early: from the exchange on, threads map what the file has gained.
  const std::size_t granules = this->granules();
  if (granules > most_granules_.load(std::memory_order_relaxed))
    most_granules_.store(granules, std::memory_order_relaxed);
  if (has_copies() && end != before) {
    // The copy that ended with the file; or any other that does not reach its granule's end.
    bool gone = true;
    if (has_short_copies_) {
      // A read that began before the exchange has changed the state before.
      const auto is_short = [&](const Record& record) {
        return record.copied.load(std::memory_order_relaxed) < arena_->granule() ||
               (record.is_being_read() &&
                begin_of(record) + static_cast<std::int64_t>(arena_->granule()) > before);
      };
      gone = drop(is_short, [](Record&) {}).all;
    } else if (within_granule(before) != 0) {
      const Page last = page_at(before);
      gone = evict(last);
    }
    if (end > before && !gone) return;
    has_short_copies_ = !gone;
  }
  hit_end_.store(end, std::memory_order_relaxed);
  full_granules_.store(static_cast<std::size_t>(std::min<std::uint64_t>(granule_at(end), SIZE_MAX)),
                       std::memory_order_relaxed);
}

/// Takes back those granules of the file for which wanted(record) is true, and calls held(record)
/// for each of them that is held.
template <class Wanted, class Held>
File::Dropped File::drop(Wanted wanted, Held held) {
  Dropped dropped;
  for_each_page(0, kNoEnd, [&](Page page, Record& record) {
    if (!wanted(record)) return;
    if (evict(page)) {
      ++dropped.granules;
    } else {
      dropped.all = false;
      held(record);
    }
  });
  return dropped;
}

/// From now on no hit finds the copy. A copy that is being read becomes old then.
void File::declare_old(Record& record) {
  record.outdated.store(true, std::memory_order_relaxed);
  std::uint32_t state = record.state.load(std::memory_order_relaxed);
  std::uint32_t old = Record::patched;
  do {
    if (state < Record::filling || state > Record::widening) return;
    const bool is_read = state == Record::filling || state == Record::widening;
    old = is_read ? Record::overtaken : Record::patched;
  } while (!record.state.compare_exchange_weak(state, old, std::memory_order_acq_rel,
                                               std::memory_order_relaxed));
}

std::int64_t File::trim() noexcept {
  if (arena_->is_left()) return 0;
  const Dropped dropped = drop([](const Record&) { return true; }, [](Record&) {});
  plug_leftovers();
  return dropped.granules;
}

Error File::refresh() noexcept {
  if (arena_->is_left()) return error(WindowErrc::forked);
  if (const int number = refresh_size(); number != 0)
    return error({number, std::system_category()});
  if (!has_copies()) return {};
  int fault = writes_back() ? write_granules(0, kNoEnd) : 0;
  const auto wanted = [&](const Record& record) {
    const int mine = unwritten_fault(record);
    if (mine != 0) fault = mine;
    return mine == 0;
  };
  (void)drop(wanted, [](Record& record) { declare_old(record); });
  return fault == 0 ? Error() : error({fault, std::system_category()});
}

}  // namespace kmapper::process
