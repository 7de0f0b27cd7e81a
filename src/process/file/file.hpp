// A file in an arena: what a FileWindow stands for.
//
// Longer than usual: one class has to declare what several files define.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "kmapper/core/reservation.hpp"
#include "kmapper/process/process.hpp"
#include "process/fault/cause.hpp"
#include "process/file/streams.hpp"
#include "process/fill/choice.hpp"
#include "process/fill/direct_io.hpp"
#include "process/fill/dirty_copies.hpp"
#include "process/fill/home.hpp"
#include "process/fill/read_aheads.hpp"
#include "process/fill/units.hpp"
#include "process/window/arena.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {

struct PrefetchJob;

class File {
 public:
  enum class Kind : std::uint8_t { file, high_memory };

  /// `wanted`: where a budget of Placement::automatic places the file; automatic: it chooses.
  /// Throws std::system_error.
  File(system::Descriptor descriptor, std::string name, Access access, std::shared_ptr<Arena> arena,
       Kind kind = Kind::file, Placement wanted = Placement::automatic);
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  /// `patience` null: never sleeps until others give something back.
  [[nodiscard]] Expected<Mapping> map(std::int64_t offset, std::int64_t length,
                                      const Patience* patience) noexcept;
  /// Maps the range so that what is written there stays there.
  [[nodiscard]] Expected<Mapping> map_private(std::int64_t offset, std::int64_t length,
                                              const Patience& patience) noexcept;
  void release(const Mapping& mapping) noexcept;
  /// Maps the range; if it lies in one granule, also what can be used around it: all of the
  /// granule, or of a copy the part that is present.
  struct Around {
    Expected<Mapping> mapping;
    std::int64_t offset;  // where it begins
  };
  [[nodiscard]] Around map_around(std::int64_t offset, std::int64_t length,
                                  const Patience* patience) noexcept;

  // --- For several mappings made together: see several.cpp ---

  /// Checks that a range lies in the file and in one granule, and that the file belongs to that
  /// arena.
  [[nodiscard]] Error check_granule(const Arena& arena, std::int64_t offset,
                                    std::int64_t length) noexcept;
  [[nodiscard]] Page page_at(std::int64_t offset) const {
    return make_page(number_, granule_at(offset));
  }
  /// Maps in a reservation; never waits. The range has been checked.
  [[nodiscard]] Expected<Mapping> map_reserved(kmapper::Reservation<Platform>& reservation,
                                               std::int64_t offset, std::int64_t length) noexcept;
  /// Maps those granules that are still pending, neighbours by one call, as far as possible; copies
  /// as a whole. The caller holds pins of them.
  void fill_pending(std::span<Record* const> records);
  /// Whether the kernel reads several places of the file at the same time, and needs no thread for
  /// that: not in a memory file, and over FUSE.
  [[nodiscard]] bool reads_at_once() noexcept;
  /// Whether copies are read as a whole.
  [[nodiscard]] bool has_whole_copies() const {
    return has_copies() && units_.size() == arena_->granule();
  }
  /// The units of the range's granule that it lies in.
  [[nodiscard]] Units::Set units_of(std::int64_t offset, std::int64_t length) const {
    return units_.of(within_granule(offset), static_cast<std::size_t>(length));
  }
  /// Maps a granule, as far as the range needs it. The caller holds a pin of it.
  [[nodiscard]] Error fill(Record& record, std::int64_t offset, std::int64_t length);
  /// Makes a mapping of the caller's pin.
  [[nodiscard]] Mapping take_over(Record& record, Page page, std::int64_t offset,
                                  std::int64_t length);

  // --- For prefetches: see prefetch.cpp ---

  /// Checks that a range lies in the file as far as it can be mapped.
  [[nodiscard]] Error check_range(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Prefetcher& prefetcher() const { return arena_->prefetcher(); }
  void carry_out(PrefetchJob& job) noexcept;

  // --- Errors: see errors.cpp. `why` says more than the code does; it is a literal ---

  /// About the file as a whole.
  [[nodiscard]] Error error(std::error_code code) const;
  /// About a range of the file; of high memory, about the page there.
  [[nodiscard]] Error error(std::error_code code, std::int64_t offset, std::int64_t length,
                            std::optional<std::int64_t> limit = {},
                            const char* why = nullptr) const;
  /// About a new size of the file.
  [[nodiscard]] Error size_error(std::error_code code, std::int64_t size,
                                 const char* why = nullptr) const;
  /// About a page of high memory.
  [[nodiscard]] Error page_error(std::error_code code, std::uint64_t page, const char* why) const;

  // --- For copies: see copies.cpp ---

  /// Whether its granules are copies. Otherwise they are at home or in slots.
  [[nodiscard]] bool has_copies() const { return choice_.placement == Placement::copies; }
  /// Whether the copy shows less than the range, or is too old. The caller holds a pin.
  [[nodiscard]] bool is_outdated(const Record& record, std::int64_t offset,
                                 std::int64_t length) const;
  [[nodiscard]] bool is_copied(const Record& record, std::int64_t offset,
                               std::int64_t length) const;
  /// Where the copy ends in the file.
  [[nodiscard]] std::int64_t copy_end(const Record& record) const;
  /// Reads the file's size again, after a read has ended at `read_end`, and checks the range. The
  /// caller holds no pin of this file.
  [[nodiscard]] Error look_again(std::int64_t offset, std::int64_t length,
                                 std::int64_t read_end) noexcept;

  /// Never automatic.
  [[nodiscard]] Placement placement() const noexcept;
  /// One line, which begins with the placement's name. Valid as long as the file.
  [[nodiscard]] const char* why_placed() const noexcept;

  // --- For copies that are written back: see write_back.cpp and written_spans.cpp ---

  /// Whether copies may be written to.
  [[nodiscard]] bool writes_back() const { return dirty_ != nullptr; }
  /// The caller may write to the mapping from now on. May write other copies back.
  void mark_written(const Mapping& mapping) noexcept;
  /// An error that sync() would return, of writes to copies; for a file that is being closed.
  [[nodiscard]] Error say_lost_writes() noexcept { return writes_back() ? say_fault() : Error(); }
  /// Writes a copy that the calling thread is taking back.
  void write_taken(Record& record) noexcept;

  void advise(Advice advice) noexcept;
  [[nodiscard]] Error prefetch(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Error sync() noexcept;
  [[nodiscard]] Error sync(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Error start_sync(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Error resize(std::int64_t size) noexcept;
  [[nodiscard]] Expected<std::int64_t> append(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] Error discard(std::int64_t offset, std::int64_t length) noexcept;
  /// Makes the file system allocate the blocks of a range now. Returns an errno, or 0.
  [[nodiscard]] int take_blocks(std::int64_t offset, std::int64_t length) const noexcept;
  std::int64_t trim() noexcept;
  [[nodiscard]] Error refresh() noexcept;
  [[nodiscard]] std::int64_t size() const { return size_.load(std::memory_order_relaxed); }
  /// Where the mappable part of it ends: at its size, or before the first granule that has no
  /// number, or (in a 32-bit process) before an offset that mmap() cannot take.
  [[nodiscard]] std::int64_t end() const { return std::min(size(), last_end_); }
  [[nodiscard]] std::int64_t longest() const;
  /// How many bytes of the granule at an offset lie from there on.
  [[nodiscard]] std::int64_t rest_of_granule(std::int64_t offset) const {
    return static_cast<std::int64_t>(arena_->granule() - within_granule(offset));
  }

  /// Why an access to a mapping failed: the result of fault_at(), or 0.
  [[nodiscard]] int fault_of(const Mapping& mapping) const noexcept;

  // --- May be called in a signal handler, too: see faults.cpp ---

  /// Why an access to a page of the file faulted: an errno, or kCutShort; 0: no reason is found.
  /// `writable`: the access may have been a write to the file.
  [[nodiscard]] int fault_at(std::int64_t page_offset, bool writable) const noexcept;
  /// The same, after it has faulted again: never 0.
  [[nodiscard]] int repeated_fault(bool writable) const noexcept;
  /// Notes that a page was replaced by zeros, so that what is written to it is lost. sync() will
  /// report it.
  void remember_fault(std::int64_t offset, int cause) noexcept;

  /// Shows the file again in a granule at home that was patched.
  void restore_home(const Record& record) noexcept;
  void unlock_home() noexcept { home_->unlock(); }
  /// Null: it has none.
  [[nodiscard]] const Home* home() const { return home_.get(); }
  [[nodiscard]] int protection() const noexcept;
  /// The unit in which the kernel maps it: a page, or a huge page.
  [[nodiscard]] std::size_t page() const { return page_; }

  /// Takes the slot of a page of this file back. False: a caller holds the page. If read-aheads of
  /// the file may hold it, waits for them. Needs what Window::evict() needs.
  [[nodiscard]] bool evict(Page page) noexcept;
  /// Takes back everything from granule `first` on. False: some of it is pinned, and stays; or a
  /// span is held, anywhere in the file.
  [[nodiscard]] bool evict_from(std::uint64_t first) noexcept;
  [[nodiscard]] bool is_left() const { return arena_->is_left(); }
  [[nodiscard]] const std::string& name() const { return *name_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }

 private:
  [[nodiscard]] Expected<Mapping> map_slow(std::int64_t offset, std::int64_t length,
                                           const Patience* patience) noexcept;
  template <class Kmap>
  [[nodiscard]] Expected<Record*> pin(Page page, std::int64_t offset, std::int64_t length,
                                      Kmap kmap) noexcept;
  template <class Kmap>
  [[nodiscard]] Expected<Mapping> map_granule(std::int64_t offset, std::int64_t length,
                                              const Patience* patience, Kmap kmap) noexcept;
  /// How a mapping across granules shows the file: what is written there reaches it, or does not.
  enum class Sharing : std::uint8_t { shared, is_private };
  [[nodiscard]] Expected<Mapping> map_span(std::int64_t offset, std::int64_t length,
                                           const Patience* patience,
                                           Sharing sharing = Sharing::shared) noexcept;
  [[nodiscard]] Error fill_span(std::byte* address, std::size_t size, std::int64_t offset,
                                std::int64_t length, Sharing sharing);
  [[nodiscard]] Result<std::uint32_t> take_run(std::int64_t offset, std::int64_t length,
                                               std::uint32_t units, const Patience* patience);
  void release_span(const Mapping& mapping) noexcept;
  [[nodiscard]] Error refused(MapError error, std::int64_t offset, std::int64_t length,
                              std::uint32_t granules) const;
  /// Checks the range against the known size of the file.
  [[nodiscard]] Error check_end(std::int64_t offset, std::int64_t length) const;
  [[nodiscard]] Result<void*> kmap(Page page, const Patience* patience);
  [[nodiscard]] int fill(Record& record, Units::Set needed);
  [[nodiscard]] Around widened(Around around) const;
  [[nodiscard]] int map_run(std::span<Record* const> run);
  void place(Record& record, bool ahead);
  [[nodiscard]] int map_in_slots(std::span<Record* const> run);
  [[nodiscard]] int map_file(std::byte* address, std::size_t size, std::uint64_t granule,
                             Sharing sharing = Sharing::shared);
  [[nodiscard]] int make_memory(Record& record) {
    if (record.own == Record::Own::memory) return 0;
    Record* const run[] = {&record};
    return make_memory(run);
  }
  [[nodiscard]] int make_memory(std::span<Record* const> run);
  [[nodiscard]] int make_memory(std::byte* address, std::size_t size);
  static constexpr std::size_t kMostPieces = 64;  // that are read by one call
  struct Read {
    int number = 0;  // an errno
    std::size_t bytes = 0;
  };
  [[nodiscard]] Read read_file(std::span<iovec> pieces, std::int64_t offset);
  [[nodiscard]] Read read_into(std::span<iovec> pieces, std::int64_t offset);
  [[nodiscard]] int read_copies(std::span<Record* const> run);
  [[nodiscard]] int fill_copy(Record& record, Units::Set needed);
  /// A thread's reading of a copy, or that of another thread, which it has to wait for.
  struct Reading {
    std::uint32_t state = Record::filled;  // the record's, meanwhile
    Units::Set units = 0;                  // to be read, by the thread itself
    bool is_own = false;
    [[nodiscard]] bool is_over() const { return state == Record::filled; }
  };
  [[nodiscard]] Reading begin_reading(Record& record, Units::Set needed);
  [[nodiscard]] int read_units(Record& record, Units::Set units);
  void note_read(Record& record, std::int64_t known, Units::Run run, std::int64_t bytes);
  [[nodiscard]] std::int64_t size_for_reading();
  [[nodiscard]] int descriptor_for(std::span<const iovec> pieces, std::int64_t offset) const {
    return direct_.choose(descriptor_.number(), pieces, offset);
  }
  /// Where a run of units lies within its granule.
  struct Bytes {
    std::int64_t within;
    std::int64_t size;
  };
  [[nodiscard]] Bytes bytes_of(Units::Run run) const {
    const auto unit = static_cast<std::int64_t>(units_.size());
    return {run.first * unit, run.count * unit};
  }
  void end_reading(Record& record, std::uint32_t state, int number) const;
  static void shorten(Record& record, std::int64_t end);
  void note_end(Record& record, std::int64_t known, std::int64_t wanted, std::int64_t read);
  [[nodiscard]] Units::Set with_next(const Record& record, Units::Set missing) const;
  [[nodiscard]] std::int64_t begin_of(std::uint64_t granule) const {
    return static_cast<std::int64_t>(granule << arena_->granule_shift());
  }
  [[nodiscard]] std::int64_t begin_of(const Record& record) const {
    return begin_of(granule_of(arena_->page_of(record)));
  }
  void map_ahead(Record* own, std::uint64_t granule, std::uint64_t end);
  [[nodiscard]] std::size_t pin_ahead(std::uint64_t granule, std::uint64_t end,
                                      std::span<Record*> records);
  struct Brought {
    std::uint64_t granules = 0;
    int number = 0;  // an errno, of the granule behind them
  };
  [[nodiscard]] Brought bring(std::uint64_t granule, std::uint64_t end) noexcept;
  [[nodiscard]] int populate(const Record& record) noexcept;
  [[nodiscard]] std::uint64_t most_ahead() const;
  [[nodiscard]] std::uint64_t end_of_prefetch(std::int64_t offset, std::int64_t length) const;
  [[nodiscard]] std::uint64_t length_at(std::uint64_t granule);
  [[nodiscard]] Choice choose_placement(bool may_be_home) const;
  void open_home();
  const char* grow_home();
  static constexpr std::int64_t kNotRead = INT64_MAX;
  [[nodiscard]] int refresh_size(std::int64_t read_end = kNotRead);
  [[nodiscard]] std::int64_t readable_size(std::int64_t claimed, std::int64_t read_end);
  void set_size(std::int64_t size);
  /// Calls visit(page, record) for those of the file's granules from `first` to `end` that have a
  /// slot, and perhaps for some that have none any more. Looks at each slot in use, or at each
  /// granule, whichever are fewer.
  static constexpr std::uint64_t kNoEnd = UINT64_MAX;
  template <class Visitor>
  void for_each_page(std::uint64_t first, std::uint64_t end, Visitor visit);
  void plug_leftovers();
  struct Dropped {
    std::int64_t granules = 0;
    bool all = true;
  };
  static void declare_old(Record& record);
  class WriteBack;
  [[nodiscard]] int write_back(std::uint64_t first, std::uint64_t end) noexcept;
  [[nodiscard]] int write_granules(std::uint64_t first, std::uint64_t end) noexcept;
  void write_in_order(std::span<const std::uint64_t> granules, bool held_too) noexcept;
  void write_some_back() noexcept;
  void settle(Record& record, Units::Set units, int fault) noexcept;
  [[nodiscard]] Units::Set take_dirty(SlotIndex slot, bool held_too) noexcept;
  [[nodiscard]] std::int64_t end_to_write() const noexcept;
  void write_held_spans(std::uint64_t first, std::uint64_t end) noexcept;
  void write_span(std::uint32_t first, std::int64_t offset, std::int64_t length) noexcept;
  void end_written_span(std::uint32_t first, std::int64_t offset, std::int64_t length) noexcept;
  void show_in_copy(std::uint64_t granule, const std::byte* span, std::int64_t offset,
                    std::int64_t length) noexcept;
  [[nodiscard]] int unwritten_fault(const Record& record) const noexcept;
  [[nodiscard]] int unwritten_fault(std::uint64_t first, std::uint64_t end) const noexcept;
  void give_up_copy(Page page) noexcept;
  void cut_copy(std::int64_t size) noexcept;
  [[nodiscard]] std::uint64_t granule_in(SlotIndex slot) const {
    return granule_of(arena_->window().page_of(slot));
  }
  /// Mappings of copies that may be written to have a mark in the record's address.
  [[nodiscard]] Record* marked(Record& record) const {
    return reinterpret_cast<Record*>(reinterpret_cast<std::uintptr_t>(&record) + mark_);
  }
  [[nodiscard]] static Record* record_of(const Mapping& mapping) {
    return reinterpret_cast<Record*>(reinterpret_cast<std::uintptr_t>(mapping.record_) &
                                     ~Mapping::kToWrite);
  }
  template <class Wanted, class Held>
  Dropped drop(Wanted wanted, Held held);
  friend class ReadsTogether;
  [[nodiscard]] static bool lies_within(std::int64_t offset, std::int64_t length,
                                        std::int64_t size) {
    return length <= size && offset <= size - length;
  }
  [[nodiscard]] Error say_fault() noexcept;
  [[nodiscard]] Error system_error(int number, std::int64_t offset, std::int64_t length) const;
  [[nodiscard]] std::uint64_t granule_at(std::int64_t offset) const {
    return static_cast<std::uint64_t>(offset) >> arena_->granule_shift();
  }
  /// The granule behind a range.
  [[nodiscard]] std::uint64_t granule_behind(std::int64_t offset, std::int64_t length) const {
    return granule_at(offset + length - 1) + 1;
  }
  /// How many granules of the file can be mapped; the last one perhaps in part.
  [[nodiscard]] std::uint64_t granules() const {
    return granule_at(end()) + (within_granule(end()) != 0 ? 1 : 0);
  }
  [[nodiscard]] std::size_t within_granule(std::int64_t offset) const {
    return static_cast<std::size_t>(offset) & (arena_->granule() - 1);
  }

  const system::Descriptor descriptor_;
  const std::shared_ptr<const std::string> name_;
  const Access access_;
  const Kind kind_;
  const std::shared_ptr<Arena> arena_;
  const Units units_;
  const Placement wanted_;  // automatic: the file's own choice
  const std::size_t page_;
  Choice choice_;  // changed by the constructor only
  const DirectIo direct_;
  const std::unique_ptr<DirtyCopies> dirty_;  // null: copies are not written to
  const std::uintptr_t mark_;                 // Mapping::kToWrite, or 0
  const std::int64_t last_end_;               // where the last mappable granule ends
  std::uint32_t number_ = 0;
  std::unique_ptr<Home> home_;                 // null: none
  std::atomic<std::int64_t> hit_end_{0};       // the end of the part that hits may use: copies.cpp
  std::atomic<std::size_t> full_granules_{0};  // those that lie within that part
  std::atomic<std::size_t> most_granules_{0};  // that the file has ever had
  // When it was last read; relaxed but in copies.cpp. Apart from what hits read, because each miss
  // of a copy writes it.
  alignas(64) std::atomic<std::int64_t> size_{0};
  std::atomic<std::int8_t> reads_at_once_{-1};   // not known yet; relaxed: all find the same
  std::atomic<bool> uses_own_addresses_{false};  // of the arena, for mappings; relaxed: once true
  std::atomic<std::uint32_t> spans_held_{0};
  std::atomic<int> unsaid_fault_{0};  // the first since the last sync() that returned one
  std::atomic<std::int64_t> unsaid_fault_at_{0};
  WriteLock writing_;  // shared by threads that write copies back
  alignas(64) Streams streams_;
  ReadAheads read_aheads_;
  std::mutex resizing_;        // held while this window changes the file's size
  std::mutex sizing_;          // guards what follows
  std::int64_t claimed_ = -1;  // a wrong size that the system gives; found_end_ is the right one
  std::int64_t found_end_ = 0;
  bool has_short_copies_ = false;  // there may be copies that ended with an earlier end of the file
  std::mutex growing_;             // guards what follows
  std::int64_t home_size_ = 0;     // bytes of the file whose page tables the budget has admitted
};

template <class Visitor>
void File::for_each_page(std::uint64_t first, std::uint64_t end, Visitor visit) {
  Arena::Window& window = arena_->window();
  const std::uint32_t slots = window.slots_in_use();
  end = std::min<std::uint64_t>(end, most_granules_.load(std::memory_order_relaxed));
  if (first >= end) return;
  if (end - first < slots) {
    for (std::uint64_t granule = first; granule != end; ++granule) {
      const Page page = make_page(number_, granule);
      if (const SlotIndex slot = window.find(page); slot != kNoSlot)
        visit(page, arena_->record(slot));
    }
    return;
  }
  for (std::uint32_t i = 0; i < slots; ++i) {
    const Page page = window.page_of(SlotIndex{i});
    const std::uint64_t granule = granule_of(page);
    if (file_of(page) == number_ && granule >= first && granule < end)
      visit(page, arena_->record(SlotIndex{i}));
  }
}

}  // namespace kmapper::process
