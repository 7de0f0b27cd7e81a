// The window in a Linux process: maps any part of a file far larger than the process may map, for
// as long as somebody needs it, and keeps within a budget what it leaves mapped for the next time.
//
//     using namespace kmapper::process;
//     const Budget budget({.bytes = 64 << 20});            // for any number of files
//     FileWindow file("data.bin", Access::read_only, budget);
//     auto mapping = file.map(offset, 4096);               // may sleep; try_map() does not
//     if (!mapping) return puts(mapping.error().message().c_str());
//     use(mapping->bytes());                               // good until the mapping dies
//
// Files are mapped in granules: a page or more, at most 2 MiB. A budget has so many slots of a
// granule each; kmapper/core/mapper.hpp says how a granule finds its slot and loses it again.
//
// A file that is cut short, a full disk or a bad one is no dead process: see Mapping::bad(). The
// first budget installs a handler for SIGBUS, which leaves what is not the window's own to the one
// before it; kmapper/process/sigbus.hpp is for programs that have handlers of their own. Where the
// signal is blocked, or a later handler keeps it, the process dies as ever; a system call that is
// given such a page's address says EFAULT. From the first budget on, the library stays loaded:
// dlclose() leaves it in memory.
//
// After fork(), whatever other threads were doing, the windows are the parent's. The child may read
// and write what it holds, also where the file has been cut short, and destroy everything, mappings
// before their windows; its calls say `forked`, and a constructor that is given the parent's budget
// throws it. With budgets of its own it begins anew. A child of _Fork(), or of clone(2) without
// CLONE_VM, may read and write what it holds, and must call nothing of this. A signal handler may
// fork, too; but that child must not return into a call that the signal interrupted. posix_spawn(),
// system() and vfork() change nothing: their child shares the parent's memory until it is another
// program, and what it touches, it touches for its parent.
//
// Longer than usual: all that one file, one budget and one mapping can do stands in one place.
//
// A signal handler may use what its process holds, and must call nothing of this. A call that a
// signal interrupts (EINTR, of file systems in user space) is made again. Constructors throw
// std::system_error (or std::bad_alloc); nothing else throws.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include "kmapper/export.h"
#include "kmapper/process/error.hpp"

namespace kmapper::process {

class Arena;
class Cursor;
class File;
struct Internals;
struct Record;

enum class Access : std::uint8_t { read_only, read_write };

/// Where a granule gets its addresses. slots: from the budget's own range; to map another granule
/// there is one system call. home: from a range as large as the file, in which each granule has its
/// place; several times as fast, where a file is in memory (memfd, tmpfs), or granules are 2 MiB
/// and pages 4 KiB. All files at home together take at most a quarter of the process's addresses,
/// of a 32-bit process an eighth; where they would take more, and in a process that locks all that
/// it maps (mlockall), a file is in slots. A later mlockall() maps files at home as a whole; the
/// window unlocks such a file when it takes the next granule of it back.
/// copies: nothing of the file is mapped, but read into memory of the budget's own, which stays:
/// where pages cost more to map than to copy, as small granules do under most hypervisors, several
/// times as fast again, with several threads above all. But a copy is as old as it is: what is
/// written to the file meanwhile is not seen in granules that are there until
/// FileWindow::refresh(). What cannot be read is an error of map(), never a fault. Copies are
/// ordinary memory: a write to a mapping of one does not fault, as it does elsewhere, but changes
/// the copy for all holders of its granule, and never the file. It is a mistake, which a strict
/// budget finds: its copies are only readable. (Always to have them so would take a second mapping
/// of the budget's memory, which doubles what the system counts as the process's RSS.)
enum class Placement : std::uint8_t {
  automatic,  // home, in a 64-bit process, where the file and the budget allow it
  slots,
  home,    // FileWindow's constructor throws where that cannot be
  copies,  // of windows that are opened for reading; the constructor throws for others
};

/// What a core dump of the process has of the files, as far as the kernel's own filter (see
/// coredump_filter in core(5)) admits them: by default memory files and files without a name, and
/// no others. slots: what is mapped in slots, and copies; at most the budget. Files at home are
/// left out: the kernel would dump each as a whole, and give memory to its holes. nothing: neither;
/// costs a system call more for each granule that is mapped in a slot. everything: files at home,
/// too, as a whole.
enum class CoreDump : std::uint8_t { slots, nothing, everything };

/// What happens when a map has slept for a second, because other mappings take up all that it could
/// have. report: a few lines on standard error, once for each such call, say what it waits for and
/// which threads hold it. quiet: nothing. error: a call without a deadline fails with timed_out.
enum class OnLongWait : std::uint8_t { report, quiet, error };

/// What a budget is spent on.
struct Options {
  /// The most that may be mapped at any moment, in bytes. Less is used where there would be more
  /// granules than slots: 65,534, or, in slots, three quarters of the mappings that
  /// vm.max_map_count allows.
  std::int64_t bytes = std::int64_t{64} << 20;
  /// What is mapped and taken back in one piece: a power of two, from the page size to 2 MiB.
  /// 0: 64 KiB, or less where the budget is small.
  std::int64_t granule = 0;
  Placement placement = Placement::automatic;
  /// A granule is unmapped as soon as nobody holds it: a use after that faults; and so does a write
  /// to a copy. Slow, for tests; not at home.
  bool strict = false;
  /// For the pages of HighMemory in a core dump, say everything: they are mostly at home.
  CoreDump core_dump = CoreDump::slots;
  OnLongWait on_long_wait = OnLongWait::report;
  /// The part of `bytes` that is kept for mappings across granules: for one such mapping of so many
  /// bytes, wherever it begins, or for several that are shorter. At most what leaves one granule to
  /// all other mappings. 0: a sixteenth of `bytes`.
  std::int64_t span_bytes = 0;
};

/// What has happened since the budget was made, and what is so now.
struct Stats {
  std::uint64_t hits, misses;
  std::uint64_t scavenges, slots_scavenged;  // batches of idle granules taken back
  std::uint64_t sleeps, longest_sleep_ns;
  std::uint64_t longest_hold_ns;         // of what is pinned now; a little less than it is
  int longest_holder;                    // the thread (gettid) that took it; 0: none, or unknown
  std::uint64_t map_calls, unmap_calls;  // system calls that changed mappings
  std::uint64_t spans;                   // mappings across granules, each mapped anew
  std::int64_t budget, granule;          // bytes: what is used of Options::bytes, and chosen
  std::int64_t mapped;                   // bytes of granules and spans that are mapped
  std::int64_t populated;                // bytes that the kernel has mapped; -1: it does not say
  std::int64_t pinned;                   // bytes of those that somebody holds
  std::int64_t overhead;                 // bytes that the window itself needs, at most
  std::int64_t span_bytes;               // bytes that are kept for mappings across granules
  std::int64_t span_bytes_in_use;        // of those; parts of `mapped` and `pinned`
  std::int64_t span_longest_free;        // bytes: the longest run of granules among the rest
  std::uint64_t span_waiters;            // calls that sleep for such a run now
};

/// Address space, and the right to fill it, shared by all windows that are opened with it. Copies
/// are the same budget. It lives as long as a copy, a window or a mapping of it.
class KMAPPER_API Budget {
 public:
  explicit Budget(const Options& options = {});

  /// Looks at every slot, and at every page that it maps. Any thread.
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] std::int64_t granule() const;
  /// Unmaps whatever nobody holds. Returns how many granules that were. Any thread.
  std::int64_t trim() const;
  /// Writes a line to standard error for each granule, and for each mapping across granules, that
  /// has been held for at least so long, with the thread that took it. Returns how many. For
  /// granules the window looks at the clock when it maps, and here: what is younger than the last
  /// such look is not counted.
  std::int64_t report_holders(std::chrono::nanoseconds longer_than) const;

 private:
  friend class FileWindow;
  friend struct Internals;
  std::shared_ptr<Arena> arena_;
};

/// A part of a file, mapped until this dies. Move-only; may be used and destroyed by any thread.
/// A granule has at most 16,383 of them at a time, see FileWindow::map().
class [[nodiscard]] KMAPPER_API Mapping {
 public:
  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : file_(std::exchange(other.file_, nullptr)),
        record_(other.record_),
        data_(other.data_),
        size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    Mapping(std::move(other)).swap(*this);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (file_ != nullptr) release();
  }

  /// The bytes asked for, in one piece.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// The same, to write to. Only where the window was opened for that: elsewhere a write faults,
  /// but for Placement::copies.
  [[nodiscard]] std::span<std::byte> writable() const { return {data_, size_}; }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Whether an access to it could not be carried out: the file has been cut short, the disk or a
  /// quota was full, or the disk would not be read. The page that was accessed shows zeros since,
  /// and what is written there is lost: see FileWindow::sync(). Also true of a mapping that shares
  /// its granule with a bad one.
  [[nodiscard]] bool bad() const noexcept;
  /// Why: cut_short, or what the system says of that page (no_space_on_device; EDQUOT of a quota;
  /// io_error); else no error.
  [[nodiscard]] std::error_code fault() const noexcept;
  /// Whether it maps anything.
  explicit operator bool() const { return file_ != nullptr; }

  void swap(Mapping& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(record_, other.record_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

 private:
  friend class Cursor;
  friend class File;
  Mapping(File* file, Record* record, std::byte* data, std::size_t size)
      : file_(file), record_(record), data_(data), size_(size) {}
  void release() noexcept;

  File* file_ = nullptr;
  Record* record_ = nullptr;  // of the one granule that holds it all; null: it is a span
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// How a file will be used: see FileWindow::advise().
enum class Advice : std::uint8_t {
  normal,      // it is found out
  sequential,  // from front to back, at one place or several
  random,      // here and there
};

/// How long a call may wait for others to give something back. A deadline that lies 68 years after
/// the machine's start, or later, is never reached.
struct Patience {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::stop_token stop = {};
};

/// A file, seen through the window. All calls may come from several threads at once, but for the
/// destructor. Offsets and lengths are in bytes.
class KMAPPER_API FileWindow {
 public:
  /// Opens a regular file, a memory file or a block device; the error says what other files are,
  /// and waits for none of them. Opening changes nothing of the file. Offsets that have no granule
  /// number are an error of map() (file_too_large, with the limit): with granules of 4 KiB those
  /// from 2^60 on; in slots of a 32-bit process, those from 2^44 on. A file in huge pages
  /// (hugetlbfs) needs granules at least as large, except of a budget of copies.
  FileWindow(const std::string& path, Access access, const Budget& budget);
  /// Of an open file; the descriptor is duplicated. It must be open for reading, for read_write
  /// also for writing, but not for appending.
  FileWindow(int descriptor, Access access, const Budget& budget);
  /// What has been moved from may be assigned to and destroyed, and nothing else.
  FileWindow(FileWindow&&) noexcept;
  /// Closes the file that this was a window of, as the destructor does.
  FileWindow& operator=(FileWindow&&) noexcept;
  /// Unmaps everything. Who still holds a mapping may go on using it; but that is a mistake: it is
  /// reported, and the file and the budget are kept until the process ends.
  ~FileWindow();

  /// Maps a range of the file, which must lie within it; sleeps when all that the budget allows is
  /// pinned, first come first served. A range within one granule is nearly always there already; a
  /// longer one is mapped anew each time, and no longer than longest(). A thread that holds one
  /// mapping and asks for another may wait for ever, if all others do so too: see try_map(), or
  /// Patience. A call that has slept for a second is reported: see OnLongWait. Where all threads of
  /// the process sleep in such calls, and none has a deadline or a stop token, no thread is left to
  /// release anything: then a call fails with would_deadlock. So does each call that would sleep in
  /// a process of one thread: at once.
  /// A granule has at most 16,383 users at a time, mappings and cursors of all threads together;
  /// one more gets the error too_many_users at once.
  [[nodiscard]] Expected<Mapping> map(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Expected<Mapping> map(std::int64_t offset, std::int64_t length,
                                      const Patience& patience) noexcept;
  /// The same, within a time from now: below 0 it does not wait, and a time that ends in 68 years
  /// or later, as nanoseconds::max(), is for ever.
  [[nodiscard]] Expected<Mapping> map_for(std::int64_t offset, std::int64_t length,
                                          std::chrono::nanoseconds time) noexcept;
  /// The same, and never sleeps for others to give something back.
  [[nodiscard]] Expected<Mapping> try_map(std::int64_t offset, std::int64_t length) noexcept;

  /// Says how the file will be used; so it is from now on. A hint: what is said of a descriptor's
  /// file is said of it to the system, too.
  void advise(Advice advice) noexcept;

  /// A range will be used soon: has it read from its disk, and mapped as far as that needs nothing
  /// that somebody holds, and no more than a quarter of the budget. Does not wait for either.
  [[nodiscard]] Error prefetch(std::int64_t offset, std::int64_t length) noexcept;

  /// Returns when what was written to the file, through this window or elsewhere, is on its disk:
  /// all of it, or a range. Where all of that went well, but a page of a mapping of this window was
  /// replaced by zeros (see Mapping::bad()), so that writes to it are lost: why, and where. Such an
  /// error is said once, by the next call, whatever its range; of several, the first.
  [[nodiscard]] Error sync() noexcept;
  [[nodiscard]] Error sync(std::int64_t offset, std::int64_t length) noexcept;
  /// Has the disk begin to write a range, and returns at once.
  [[nodiscard]] Error start_sync(std::int64_t offset, std::int64_t length) noexcept;
  /// Makes the file longer, with zeros, or shorter. `pinned` if somebody holds a mapping behind the
  /// new end, or one across granules anywhere; then nothing is done. Nobody may map what is cut
  /// off at the same time. Beyond the process's limit (RLIMIT_FSIZE): file_too_large, and no
  /// SIGXFSZ.
  [[nodiscard]] Error resize(std::int64_t size) noexcept;
  /// Makes a range zeros, and gives what it took up on the disk, or of memory, back. Errors:
  /// `pinned`; `invalid_range` (the range does not begin with a granule, and end with one or with
  /// the file); operation_not_supported (by the file's file system).
  [[nodiscard]] Error discard(std::int64_t offset, std::int64_t length) noexcept;
  /// Unmaps whatever of the file nobody holds, as Budget::trim() does of all files. Returns how
  /// many granules that were. Looks at every slot of the budget. Any thread.
  std::int64_t trim() noexcept;
  /// Looks at the file's size again; and, of copies, has every later map() show the file as it is
  /// now, or newer. Mappings that are held stay as they are. A map() does so by itself where it is
  /// asked for a range beyond the size that is known. Costs a system call, and of copies a look at
  /// every slot of the budget and a read of each granule that is mapped again. Any thread.
  [[nodiscard]] Error refresh() noexcept;
  /// What the file's size was when it was last looked at.
  [[nodiscard]] std::int64_t size() const noexcept;
  /// The longest range that map() may be asked for, wherever it begins.
  [[nodiscard]] std::int64_t longest() const noexcept;

 private:
  friend class Cursor;
  friend struct Internals;
  explicit FileWindow(std::unique_ptr<File> file) noexcept;
  std::unique_ptr<File> file_;
};

}  // namespace kmapper::process
