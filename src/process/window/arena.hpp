// What a Budget stands for: the core's window, and the addresses that its slots map.
//
//     slot 0 | slot 1 | ...                        | span area
//     one granule each, by the core                | runs of granules (SpanArea)
//
// A slot gets another page by one system call, which maps it over the old one. So a slot that was
// taken back keeps mapping its old granule, unseen, until it gets another page; all within the
// range is part of the budget in any case. Nothing in the range is ever unmapped, because another
// thread could then take the addresses. It is plugged instead: replaced by an inaccessible mapping.
//
// Copies are read into ordinary memory. A budget of copies has memory in the whole range from the
// start, and never maps anything else there. In other budgets a slot, or a unit of the span area,
// that is to show a copy is mapped over by memory, unless it has memory already (Record::own).
//
// Longer than usual: one class has to declare what several files define.
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <vector>

#include "kmapper/core/mapper.hpp"
#include "kmapper/process/process.hpp"
#include "process/fill/dirty_copies.hpp"
#include "process/fill/prefetcher.hpp"
#include "process/fill/read_rings.hpp"
#include "process/fill/spare_mappings.hpp"
#include "process/window/clock.hpp"
#include "process/window/counters.hpp"
#include "process/window/directory.hpp"
#include "process/window/files.hpp"
#include "process/window/platform.hpp"
#include "process/window/record.hpp"
#include "process/window/span_area.hpp"
#include "system/fault_direction.hpp"
#include "system/memory.hpp"
#include "system/own_memory.hpp"

namespace kmapper::process {

class File;
class LongWait;

class Arena {
 public:
  using Window = Mapper<Platform>;

  /// Throws std::system_error, std::bad_alloc.
  explicit Arena(const Options& options);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  [[nodiscard]] Window& window() { return *window_; }
  [[nodiscard]] Directory& directory() { return directory_; }
  [[nodiscard]] SpanArea& spans() { return spans_; }
  [[nodiscard]] Counters& counters() { return counters_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] Prefetcher& prefetcher() { return prefetcher_; }
  [[nodiscard]] ReadRings& read_rings() { return read_rings_; }
  [[nodiscard]] Record& record(SlotIndex slot) const {
    return *reinterpret_cast<Record*>(records_ + kmapper::to_number(slot) * Platform::kPageSize);
  }
  [[nodiscard]] Page page_of(const Record& record) const {
    return window_->page_of(slot_of(record));
  }
  /// The file that a slot shows; null: it has been closed.
  [[nodiscard]] File* owner_of(const Record& record) const {
    return files_.at(record.file.load(std::memory_order_relaxed));
  }
  /// For copies that may be written to.
  [[nodiscard]] DirtyCopy& dirty(SlotIndex slot) const {
    return dirty_copies_[kmapper::to_number(slot)];
  }
  [[nodiscard]] DirtyCopy* dirty_copies() const { return dirty_copies_.data(); }
  [[nodiscard]] SlotIndex slot_of(const Record& record) const {
    const auto distance = reinterpret_cast<const std::byte*>(&record) - records_;
    return SlotIndex{
        static_cast<std::uint32_t>(static_cast<std::size_t>(distance) / Platform::kPageSize)};
  }
  [[nodiscard]] std::uint32_t slots() const { return shape_.slots; }
  [[nodiscard]] unsigned granule_shift() const { return shape_.granule_shift; }
  [[nodiscard]] std::size_t granule() const { return std::size_t{1} << shape_.granule_shift; }
  [[nodiscard]] bool is_strict() const { return strict_; }
  [[nodiscard]] bool is_direct() const { return direct_; }
  [[nodiscard]] Placement placement() const { return placement_; }
  [[nodiscard]] CoreDump core_dump() const { return core_dump_; }
  [[nodiscard]] OnLongWait on_long_wait() const { return on_long_wait_; }
  /// Whether the whole range is memory for copies.
  [[nodiscard]] bool is_all_memory() const { return placement_ == Placement::copies; }

  [[nodiscard]] std::byte* slot_address(SlotIndex slot) const {
    return begin_ + (std::size_t{kmapper::to_number(slot)} << shape_.granule_shift);
  }
  [[nodiscard]] std::byte* span_address(std::uint32_t unit) const {
    return slot_address(SlotIndex{shape_.slots + unit});
  }
  /// The unit of the span area that an address lies in.
  [[nodiscard]] std::uint32_t unit_at(const std::byte* address) const {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(address - begin_) >>
                                      shape_.granule_shift) -
           shape_.slots;
  }

  /// The last page of what the calling thread's last miss has mapped, or that of another thread
  /// with a number like it. A hint.
  [[nodiscard]] Wide<Page>& last_miss() {
    return last_misses_[thread_number() % last_misses_.size()].page;
  }

  /// Gives a pin back. In a strict arena, also unmaps a granule that has no user any more.
  void unpin(Record& record) {
    if (strict_) [[unlikely]]
      return unpin_strictly(record);
    window_->kunmap_address(&record);
  }
  /// The same, of a pin that the core has counted as a hit, and no caller was given.
  void unpin_unused(Record& record);
  /// Pins the page's granule if it has a slot, for no caller: that is no hit. Null: it has none.
  /// Waits while another thread takes it back.
  [[nodiscard]] Record* pin_if_mapped(Page page);
  /// Maps a part of a file over addresses of the range. `sharing`: MAP_SHARED, or MAP_PRIVATE and
  /// more. Returns an errno, or 0.
  [[nodiscard]] int map(std::byte* address, std::size_t size, int protection, int descriptor,
                        std::int64_t offset, int sharing);
  /// Whether a slot's own addresses are memory. The caller is filling it.
  [[nodiscard]] bool has_memory(const Record& record) const {
    return record.own == Record::Own::memory ||
           (record.own == Record::Own::untouched && starts_as_memory_);
  }
  /// Replaces what the addresses map by memory for copies, unless the whole range is memory.
  /// Returns an errno, or 0.
  [[nodiscard]] int map_memory(std::byte* address, std::size_t size);
  /// Sets how copies of a strict budget may be accessed. Returns an errno, or 0.
  [[nodiscard]] int protect(std::byte* address, std::size_t size, int protection);
  /// Maps nothing there any more; in a budget of copies, frees the memory instead.
  void plug(std::byte* address, std::size_t size);
  /// Empties granules at home, all by one system call where the kernel allows that. False: they are
  /// locked in memory.
  [[nodiscard]] bool drop(std::span<const iovec> granules);
  /// Takes `bytes` of page tables, beyond those of the budget's own range, from the budget. False:
  /// the budget has no room for them.
  [[nodiscard]] bool take_page_tables(std::int64_t bytes);
  void give_page_tables_back(std::int64_t bytes) {
    page_tables_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  /// Plugs a slot's own addresses. The caller is filling or emptying the record.
  void plug(Record& record) {
    plug(slot_address(slot_of(record)), granule());
    set_own(record, Record::Own::nothing);
  }
  /// Notes what a slot's own addresses map, or are about to. The caller is filling or emptying it.
  void set_own(Record& record, Record::Own own) {
    const int more = (own == Record::Own::file ? 1 : 0) - (record.own == Record::Own::file ? 1 : 0);
    if (more != 0) mappings_.fetch_add(more, std::memory_order_relaxed);
    record.own = own;
  }
  /// Plugs the slots that are out of use, and the span area's free runs: those that last mapped a
  /// part of this file, or (null) of any file.
  void plug_leftovers(const File* file);
  /// Gives up unused mappings if so many files are mapped in slots that the process could have too
  /// many mappings.
  void limit_mappings() {
    if (mappings_.load(std::memory_order_relaxed) > shape_.most_mappings) [[unlikely]]
      trim();
  }
  /// Makes a call that may need another mapping. Where the kernel allows no more (ENOMEM), gives up
  /// all unused ones, and makes it once more. Returns what it returns: an errno, or 0.
  template <class Call>
  [[nodiscard]] int with_room_for_mappings(Call call) {
    const int number = call();
    if (number != ENOMEM) return number;
    make_room_for_mappings();
    return call();
  }
  /// Gives up a few mappings, by one system call at most. False: they have been given up before.
  /// May be called in a signal handler.
  bool make_room_for_a_few_mappings() noexcept { return spare_.give_up(); }
  /// Takes back and plugs all granules that have no user. Returns how many.
  std::uint32_t trim();

  /// Its files. Their numbers are part of their pages' names.
  [[nodiscard]] Files& files() { return files_; }

  // --- Faults: see faults.cpp ---

  /// A unit of the span area, while it is in use.
  struct SpanUnit {
    std::atomic<File*> file;  // null: not in use
    std::atomic<std::int64_t> offset;
    Fault fault;
    std::atomic<bool> is_private;  // what is written there does not reach the file
    // Of a run's first unit: the mapping may have been written to, and has copies of its own.
    std::atomic<bool> is_written;
    bool is_memory;  // its addresses map memory; for the holder of the run
  };
  [[nodiscard]] SpanUnit& span_unit(std::uint32_t unit) const { return span_units_[unit]; }
  /// Handles a fault at the address. True: a mapping shows the address, and the access may be
  /// repeated now. Called in a signal handler, by one thread at a time.
  [[nodiscard]] bool patch(std::byte* address, system::Direction direction) noexcept;
  /// Called after a fork, in the child: what other threads were doing here will never be finished.
  /// So the locks of an arena that is left must not be taken: check is_left() first.
  void leave_to_parent() noexcept;
  [[nodiscard]] bool is_left() const { return is_left_.load(std::memory_order_relaxed); }

  [[nodiscard]] Stats stats();
  /// Writes a line about the misuse to standard error.
  void report(const MisuseReport<Platform>& misuse);
  std::int64_t report_holders(std::uint64_t longer_than_ns);
  /// Writes to standard error what a call waits for, and which mappings are in its way.
  void report_wait(const LongWait& wait) noexcept;

  std::atomic<Arena*> next{nullptr};  // in the list of all arenas: see arenas.cpp

 private:
  struct Shape {
    explicit Shape(const Options& options);
    std::int64_t bytes;  // the most that the user allows
    unsigned granule_shift;
    std::uint32_t slots;
    std::uint32_t span_units;
    int most_mappings;  // of files in slots
  };
  struct DestroyWindow {
    void operator()(Window* window) const { window->~Mapper(); }
  };

  struct Held;

  [[nodiscard]] system::AddressRange reserve_range() const;
  [[nodiscard]] bool make_memory_of_range() const;
  using Name = std::array<char, 1024>;
  [[nodiscard]] Name name_of(std::uint32_t file);
  [[nodiscard]] std::vector<Held> held_granules();
  [[nodiscard]] std::vector<Held> held_spans();
  void unpin_strictly(Record& record);
  void make_room_for_mappings();
  [[nodiscard]] std::int64_t populated();
  using Placed = std::array<std::int64_t, 4>;  // a number of files for each Placement
  [[nodiscard]] Placed files_placed();
  [[nodiscard]] std::size_t overhead() const;
  [[nodiscard]] bool patch_at_home(std::byte* address, system::Direction direction) noexcept;
  [[nodiscard]] bool patch(Record& record, std::byte* address,
                           system::Direction direction) noexcept;
  enum class Shown : std::uint8_t { filling, shared, is_private };
  [[nodiscard]] bool replace(File& file, std::byte* address, std::int64_t offset,
                             system::Direction direction, Fault& fault, Shown shown) noexcept;

  struct alignas(64) LastMiss {
    Wide<Page> page{};
  };

  const Shape shape_;
  const bool strict_;
  const bool direct_;
  const Placement placement_;
  const CoreDump core_dump_;
  const OnLongWait on_long_wait_;
  const system::AddressRange range_;
  std::byte* const begin_;
  const bool starts_as_memory_;
  system::ZeroArray<DirtyCopy> dirty_copies_;
  SpanArea spans_;
  system::ZeroArray<SpanUnit> span_units_;
  std::atomic<bool> is_left_{false};  // relaxed: set when there is only one thread
  Counters counters_;
  std::array<LastMiss, Platform::kMaxCpus> last_misses_{};
  Clock clock_;
  std::atomic<std::int64_t> page_tables_{0};  // relaxed: a sum
  std::atomic<int> mappings_{0};              // of files in slots; relaxed: a sum
  const system::OwnMemory own_memory_;
  system::AddressRange window_memory_;
  std::unique_ptr<Window, DestroyWindow> window_;
  std::byte* const records_;  // the first one; each is beside its slot
  Directory directory_;
  std::mutex spare_mutex_;
  SpareMappings spare_;  // made with spare_mutex_ held
  Files files_;
  ReadRings read_rings_;
  Prefetcher prefetcher_;  // last, because its thread uses the others
};

inline Platform::Cell Platform::page_virtual(Page page) const {
  return {arena_->directory(), page};
}
inline void* Platform::address(SlotIndex slot) const { return &arena_->record(slot); }
inline Platform::Stamp Platform::stamp() const { return {thread_number(), arena_->clock().tick()}; }
inline void Platform::note_hit(Atomic<Stamp>& holder) {
  const std::uint16_t thread = thread_number();
  Arena& arena = *arena_;
  holder.store({thread, arena.clock().tick()}, std::memory_order_relaxed);
  arena.counters().add(thread, Event::hit);
}
inline void Platform::count(Event event, std::uint64_t n) { arena_->counters().add(event, n); }

}  // namespace kmapper::process
