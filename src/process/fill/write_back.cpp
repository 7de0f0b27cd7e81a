// How copies that a caller has written to get into their file.
//
// Mapping::data() and writable() of a window for writing mark the units of the mapping as dirty.
// They stay dirty while the granule has holders, because a holder may write until it lets go; so
// what is written back while it is held will be written again. The thread that writes back clears
// the marks before it looks for holders, and a holder has its pin before it sets them: one of the
// two sees the other.
//
// Dirty copies are written back by sync(), by the thread that makes more than a quarter of the
// slots dirty, and at the latest when the core takes their slot back. Then Platform::empty() writes
// them, and until that is done, the page keeps its slot: no thread reads it from the file
// meanwhile. A thread that waits for that holds no lock of this file.
//
// A write ends where the file ends, and where the copy ends: what is behind may have been appended
// meanwhile. A copy that cannot be written stays dirty, and sync() tries again, until its slot is
// needed: then its writes are lost. sync() reports both.
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <vector>

#include "process/fault/cause.hpp"
#include "process/file/file.hpp"
#include "process/fill/write_all.hpp"
#include "system/system_call.hpp"

namespace kmapper::process {

/// Copies of one file that are written back together, in the order of the file. The caller has pins
/// of them, or is taking them back.
class File::WriteBack {
 public:
  WriteBack(File& file, std::int64_t file_end) : file_(file), file_end_(file_end) {}
  WriteBack(const WriteBack&) = delete;
  WriteBack& operator=(const WriteBack&) = delete;
  ~WriteBack() { write(); }

  /// Writes these units of a copy, together with neighbours. `index`: names the copy in fault_of().
  void add(const Record& record, Units::Set units, std::size_t index) {
    index_ = index;
    const std::int64_t begin = file_.begin_of(record);
    const std::int64_t end =
        std::min(file_end_,
                 begin + static_cast<std::int64_t>(record.copied.load(std::memory_order_relaxed)));
    while (units != 0) {
      const Units::Run run = Units::first_run(units);
      units &= ~run.set();
      const auto [from, size] = file_.bytes_of(run);
      const std::int64_t length = std::min(size, end - begin - from);
      if (length > 0)
        add_piece(record.data() + from, static_cast<std::size_t>(length), begin + from);
      else
        failed(begin + from, kCutShort, index);
    }
  }
  /// Writes what has been added. add() does so, too, when it must.
  void write() {
    if (count_ == 0) return;
    const std::span all = std::span(pieces_).first(count_);
    const std::array<iovec, kMostPieces> kept = pieces_;
    if (write_all(file_.descriptor_.number(), file_.direct_, all, offset_, has_limit_) != 0) {
      std::int64_t offset = offset_;  // to find out which of them cannot be written
      for (std::size_t i = 0; i < count_; ++i) {
        iovec piece = kept[i];
        const int number =
            write_all(file_.descriptor_.number(), file_.direct_, {&piece, 1}, offset, has_limit_);
        if (number != 0) failed(offset, number, index_of_[i]);
        offset += static_cast<std::int64_t>(kept[i].iov_len);
      }
    }
    count_ = 0;
  }
  /// Why a copy that has been added, and then written, could not be written; 0: it could.
  [[nodiscard]] int fault_of(std::size_t index) const { return faults_[index]; }

 private:
  void add_piece(std::byte* address, std::size_t size, std::int64_t offset) {
    const bool follows = count_ != 0 && offset == end_;
    if (!follows || count_ == pieces_.size()) write();
    if (count_ == 0) offset_ = offset;
    index_of_[count_] = index_;
    pieces_[count_++] = {address, size};
    end_ = offset + static_cast<std::int64_t>(size);
  }
  void failed(std::int64_t offset, int number, std::size_t index) {
    file_.remember_fault(offset, number);
    faults_[index] = number;
  }

  File& file_;
  const std::int64_t file_end_;
  const bool has_limit_ = has_size_limit();
  std::array<iovec, kMostPieces> pieces_;
  std::array<std::size_t, kMostPieces> index_of_;
  std::array<int, kMostPieces> faults_{};
  std::size_t index_ = 0;  // of the copy that is being added
  std::size_t count_ = 0;
  std::int64_t offset_ = 0;  // where the pieces begin in the file, and where they end
  std::int64_t end_ = 0;
};

void File::mark_written(const Mapping& mapping) noexcept {
  if (arena_->is_left()) return;  // the child's memory is a copy, and the file is the parent's
  Record* const record = record_of(mapping);
  if (record == nullptr) {
    arena_->span_unit(arena_->unit_at(mapping.data_))
        .is_written.store(true, std::memory_order_relaxed);
    return;
  }
  const SlotIndex slot = arena_->slot_of(*record);
  const auto within = static_cast<std::size_t>(mapping.data_ - record->data());
  const Units::Set units = units_.of(within, mapping.size_);
  if (!record->was_written.load(std::memory_order_relaxed))
    record->was_written.store(true, std::memory_order_relaxed);
  if (!dirty_->mark(slot, units)) return;
  const std::uint32_t most = std::max<std::uint32_t>(arena_->slots() / 4, 1);
  if (dirty_->count() > most) write_some_back();
}

/// The dirty units of a copy that the caller has pinned: it must write them back. They are clean
/// from now on. If other callers hold the copy, or write to it now, they stay dirty, because they
/// will have to be written again. Unless `held_too`, none are taken of a copy that others hold.
Units::Set File::take_dirty(SlotIndex slot, bool held_too) noexcept {
  DirtyCopy& it = arena_->dirty(slot);
  const auto others_hold_it = [&] {
    constexpr std::uint32_t kOnlyThisOne = 2;  // see word::users()
    return word::users(arena_->window().inspect(slot).word) != kOnlyThisOne;
  };
  if (!held_too && others_hold_it()) return 0;
  // Acquire: pairs with mark_written(), and so do the looks for holders that follow.
  const Units::Set units = it.units.exchange(0, std::memory_order_acq_rel);
  if (units != 0 && (others_hold_it() || it.units.load(std::memory_order_acquire) != 0))
    it.units.fetch_or(units, std::memory_order_release);
  return units;
}

/// Where the file ends now; behind it nothing must be written. The caller has writing_.
std::int64_t File::end_to_write() const noexcept {
  struct stat status {};
  const auto look = [&] { return fstat(descriptor_.number(), &status); };
  if (system::uninterrupted(look) == 0 && S_ISREG(status.st_mode)) return status.st_size;
  return size();
}

/// Writes dirty copies back, in ascending order; those that other callers hold only if wanted.
/// Notes errors: see remember_fault().
void File::write_in_order(std::span<const std::uint64_t> granules, bool held_too) noexcept {
  struct Pinned {
    Record* record;
    Units::Set units;
  };
  std::array<Pinned, kMostPieces> pinned;
  const std::size_t most = std::clamp<std::size_t>(arena_->slots() / 8, 1, pinned.size());
  while (!granules.empty()) {
    const ReadAheads::Turn turn(read_aheads_);  // its pins are no caller's
    if (!turn) {
      Platform::relax();
      continue;
    }
    std::size_t count = 0;
    for (; count < most && !granules.empty(); granules = granules.subspan(1)) {
      const Page page = make_page(number_, granules.front());
      // Waits while another thread takes the page back, and so writes it.
      Record* const record = arena_->pin_if_mapped(page);
      if (record != nullptr) pinned[count++] = {record, 0};
    }
    std::shared_lock lock(writing_);
    WriteBack all(*this, end_to_write());
    for (std::size_t i = 0; i < count; ++i) {
      const SlotIndex slot = arena_->slot_of(*pinned[i].record);
      pinned[i].units = take_dirty(slot, held_too);
      all.add(*pinned[i].record, pinned[i].units, i);
    }
    all.write();
    lock.unlock();  // in a strict budget, to give up a pin may write
    for (std::size_t i = 0; i < count; ++i)
      settle(*pinned[i].record, pinned[i].units, all.fault_of(i));
  }
}

/// Notes the result for a copy that has been written back, and gives up the pin.
void File::settle(Record& record, Units::Set units, int fault) noexcept {
  const SlotIndex slot = arena_->slot_of(record);
  DirtyCopy& it = arena_->dirty(slot);
  if (units != 0) it.fault.store(fault);
  // What was cut off the file cannot be written later either.
  if (fault != 0 && fault != kCutShort) it.units.fetch_or(units, std::memory_order_release);
  dirty_->put_back(slot);
  arena_->unpin(record);
}

int File::write_back(std::uint64_t first, std::uint64_t end) noexcept {
  if (!writes_back()) return 0;
  if (const int number = write_granules(first, end); number != 0) return number;
  write_held_spans(first, end);
  const std::unique_lock others_are_done(writing_);
  return 0;
}

/// The same without mappings across granules, and without what other threads are writing.
int File::write_granules(std::uint64_t first, std::uint64_t end) noexcept {
  try {
    std::vector<std::uint64_t> granules;
    for (bool has_all = false; !has_all;) {
      granules.clear();
      granules.reserve(dirty_->count() + std::size_t{64});  // not with the lock held
      has_all = dirty_->for_each([&](SlotIndex slot) {
        if (granules.size() == granules.capacity()) return false;
        const std::uint64_t granule = granule_in(slot);
        if (granule >= first && granule < end) granules.push_back(granule);
        return true;
      });
    }
    std::sort(granules.begin(), granules.end());
    write_in_order(granules, true);
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }
  return 0;
}

/// Writes some of those back that have been dirty for longest.
void File::write_some_back() noexcept {
  std::array<std::uint64_t, 32> granules;
  std::size_t count = 0;
  (void)dirty_->for_each([&](SlotIndex slot) {
    granules[count++] = granule_in(slot);
    return count != granules.size();
  });
  std::sort(granules.begin(), granules.begin() + static_cast<std::ptrdiff_t>(count));
  write_in_order(std::span(granules).first(count), false);
}

void File::write_taken(Record& record) noexcept {
  const SlotIndex slot = arena_->slot_of(record);
  DirtyCopy& it = arena_->dirty(slot);
  {
    const std::shared_lock lock(writing_);
    WriteBack(*this, end_to_write()).add(record, it.units.load(std::memory_order_acquire), 0);
  }
  it.units.store(0, std::memory_order_relaxed);
  dirty_->put_back(slot);
}

/// Why a copy that has been written to could not be written back; 0: it is in the file, or has not
/// been tried.
int File::unwritten_fault(const Record& record) const noexcept {
  if (!writes_back()) return 0;
  const DirtyCopy& it = arena_->dirty(arena_->slot_of(record));
  const int fault = it.fault.load();
  return fault != kCutShort && it.units.load(std::memory_order_relaxed) != 0 ? fault : 0;
}

/// The same for the copies of a range of granules: of the first that the file does not have.
int File::unwritten_fault(std::uint64_t first, std::uint64_t end) const noexcept {
  if (!writes_back() || dirty_->count() == 0) return 0;
  int fault = 0;
  for (std::uint64_t granule = first; granule != end && fault == 0; ++granule) {
    Record* const record = arena_->pin_if_mapped(make_page(number_, granule));
    if (record == nullptr) continue;
    fault = unwritten_fault(*record);
    arena_->unpin(*record);
  }
  return fault;
}

/// The file was made to end within a granule. What its copy has behind that is no part of it.
void File::cut_copy(std::int64_t size) noexcept {
  const std::size_t within = within_granule(size);
  if (!has_copies() || within == 0) return;
  Record* const record = arena_->pin_if_mapped(page_at(size));
  if (record == nullptr) return;
  shorten(*record, static_cast<std::int64_t>(within));
  if (writes_back()) {
    const SlotIndex slot = arena_->slot_of(*record);
    arena_->dirty(slot).units.fetch_and(units_.of(0, within), std::memory_order_relaxed);
    dirty_->put_back(slot);
  }
  arena_->unpin(*record);
}

}  // namespace kmapper::process
