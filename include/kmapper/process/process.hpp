// The window in a Linux process. It maps any part of a file far larger than the process may map,
// for as long as a caller needs it, and keeps idle parts mapped for the next use, within a budget.
//
//     using namespace kmapper::process;
//     const Budget budget({.bytes = 64 << 20});            // for any number of files
//     FileWindow file("data.bin", Access::read_only, budget);
//     auto mapping = file.map(offset, 4096);               // may sleep; try_map() does not
//     if (!mapping) return puts(mapping.error().message().c_str());
//     use(mapping->bytes());                               // valid until `mapping` is destroyed
//
// Files are mapped in granules: one page or more, at most 2 MiB. A budget has a number of slots of
// one granule each; kmapper/core/mapper.hpp says how a granule gets its slot and loses it again.
//
// Faults: a file that is cut short, a full disk or a bad one does not kill the process: see
// Mapping::bad(). The first budget installs a handler for SIGBUS, which passes all signals that are
// not the window's to the handler before it. kmapper/process/sigbus.hpp is for programs with
// handlers of their own. Where the signal is blocked, or a later handler keeps it, the process is
// killed, as it would be without kmapper. A system call that is given the address of such a page
// fails with EFAULT. Once there has been a budget, the library stays loaded: dlclose() leaves it in
// memory.
//
// fork(): the windows stay the parent's, whatever other threads were doing. The child may read and
// write what it holds, also where the file has been cut short, and destroy everything, mappings
// before their windows. Its other calls fail with `forked`, and a constructor that is given the
// parent's budget throws it. The child may use budgets of its own. A child of _Fork(), or of
// clone(2) without CLONE_VM, may read and write what it holds, and must not call this library. A
// signal handler may fork, too, but its child must not return into a call that the signal
// interrupted. posix_spawn(), system() and vfork() change nothing: their child shares the parent's
// memory until it starts another program, and accesses it on behalf of the parent.
//
// Signal handlers may use what the process holds, at addresses that it has got before, and must not
// call this library. A call that a
// signal interrupts (EINTR, of file systems in user space) is repeated. Constructors throw
// std::system_error (or std::bad_alloc); nothing else throws.
//
// Longer than usual: it holds all that one file, one budget and one mapping can do.
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

/// Where the granules of a file are mapped.
///
/// automatic: as suits the machine. When the first file of a file system is opened, the window
/// measures what a miss costs in each placement, which takes some milliseconds, and keeps that for
/// later files. It reads at most 256 KiB of the file, and never writes. Of the placements that are
/// possible it takes the fastest; where the difference is small, home before slots, and both before
/// copies. Copies only for windows opened for reading: what is written would be lost with the
/// process, and other users of the file would not see it. Home only in 64-bit processes. In a
/// strict budget, slots. FileWindow::placement() and why_placed() say what was chosen, and why.
/// Where a window must show at once what others write to the file, say slots or home.
///
/// slots: in the budget's own range. Mapping another granule costs one system call.
///
/// home: in a range as large as the file, where each granule has a fixed place. Several times as
/// fast where the file is in memory (memfd, tmpfs), or granules are 2 MiB and pages 4 KiB. All
/// files at home together take at most a quarter of the process's addresses, in a 32-bit process an
/// eighth. A file that would exceed this is in slots, and so is every file of a process that locks
/// all that it maps (mlockall). A later mlockall() maps files at home as a whole; the window
/// unlocks such a file when it next takes a granule of it back.
///
/// copies: nothing of the file is mapped. What is asked for is read into memory of the budget, in
/// units of a page (or of a 32nd of a granule, if that is more); sequential reads get whole
/// granules, and those that follow. Again several times as fast where mapping a page costs more
/// than copying it, as it does for small granules under most hypervisors, above all with several
/// threads. A copy does not change with the file: what is written to the file in other ways is not
/// seen in what is present until FileWindow::refresh(). So two windows of one file do not see each
/// other's writes. A failed read is an error of map(), never a fault.
///
/// Copies of a window for writing are written back: the units of a mapping of which data() or
/// writable() was called; bytes() is for reading only. A Cursor counts as writing to what it gives.
/// That happens at the latest in sync(), or when the window takes the granule's slot back, and
/// always in whole units, but never behind the file's end. No more than about a quarter of the
/// budget waits for it. If the process is killed, what was not synced is lost. What cannot be
/// written (no_space_on_device, io_error, ...) is said by Mapping::fault() and once by the next
/// sync(). It is kept, and tried again by each sync(), until its slot is needed; then it is lost,
/// and sync() says that, too. Until then it is also an error of refresh(), and of a map() across
/// granules, which would read the file. A mapping across granules is a copy of its own: while it is
/// held, other mappings of the range and it do not see each other's writes. If its data() or
/// writable() was called, sync() and its end write all that it shows, over what other mappings of
/// the range have written. So a program that only reads it calls bytes().
///
/// Copies are ordinary memory. A write to a mapping of a window for reading is a mistake. It does
/// not fault, as it does in other placements, but changes the copy for all holders of its granule,
/// and never the file. A strict budget finds such writes, because its copies are read-only.
/// (Read-only copies in every budget would need a second mapping of the budget's memory, which
/// doubles the RSS that the system counts for the process.) After a fork() the child has copies of
/// what it holds: what it writes is neither the parent's nor the file's.
enum class Placement : std::uint8_t {
  automatic,  // what is fastest here for the file
  slots,
  home,  // FileWindow's constructor throws where home is not possible
  copies,
};

/// What a core dump of the process contains of the files. The kernel's own filter (coredump_filter
/// in core(5)) applies too: by default it admits memory files and files without a name, and no
/// others. slots: what is mapped in slots, and copies; at most the budget. Files at home are left
/// out, because the kernel would dump each as a whole and give memory to its holes. nothing:
/// neither; costs one more system call for each granule that is mapped in a slot. everything: files
/// at home as well, as a whole.
enum class CoreDump : std::uint8_t { slots, nothing, everything };

/// What happens when a map has slept for a second, because other mappings take up all that it could
/// use. report: writes a few lines to standard error, once for each such call, with what it waits
/// for and which threads hold it. quiet: nothing. error: a call without a deadline fails with
/// timed_out.
enum class OnLongWait : std::uint8_t { report, quiet, error };

/// How large a budget is, and how it is used.
struct Options {
  /// The most that may be mapped at any moment, in bytes. Less is used if there would be too many
  /// granules: at most 2^32 - 2, in a 32-bit process 65,534; and in slots (and in a strict budget)
  /// at most three quarters of the mappings that vm.max_map_count allows. A budget takes memory for
  /// a granule when it first fills it: some 80 bytes.
  std::int64_t bytes = std::int64_t{64} << 20;
  /// The size in which files are mapped and taken back: a power of two, from the page size to 2
  /// MiB. 0: 64 KiB, or less where the budget is small.
  std::int64_t granule = 0;
  Placement placement = Placement::automatic;
  /// Unmaps a granule as soon as it has no holder, so that a use after that faults. A write to a
  /// copy faults, too. Slow, for tests; not with Placement::home.
  bool strict = false;
  /// To have the pages of HighMemory in a core dump, use everything: they are mostly at home.
  CoreDump core_dump = CoreDump::slots;
  OnLongWait on_long_wait = OnLongWait::report;
  /// The part of `bytes` that is reserved for mappings across granules: enough for one such mapping
  /// of this many bytes at any offset, or for several shorter ones. Limited so that one granule is
  /// left for all other mappings. 0: a sixteenth of `bytes`, and at most 1 GiB.
  std::int64_t span_bytes = 0;
  /// Reads copies, and writes them back, without the page cache (O_DIRECT), so that the data is not
  /// in memory twice. Only with Placement::copies. A file whose file system cannot do that is an
  /// error of FileWindow's constructor. The end of a file that is no whole page, and copies of
  /// HighMemory, still go through the page cache. Sequential reads are slower without the kernel's
  /// read-ahead, unless granules are large.
  bool direct = false;
};

/// Counts since the budget was made, and the present state.
struct Stats {
  std::uint64_t hits;    // maps of a granule that was mapped, or that another call was mapping
  std::uint64_t misses;  // granules that were mapped, for a call or ahead of it
  std::uint64_t scavenges, slots_scavenged;  // batches of idle granules taken back
  std::uint64_t sleeps, longest_sleep_ns;
  std::uint64_t longest_hold_ns;         // of what is pinned now; a little too small
  int longest_holder;                    // the thread (gettid) that took it; 0: none, or unknown
  std::uint64_t map_calls, unmap_calls;  // system calls that changed mappings
  std::uint64_t spans;                   // mappings across granules, each mapped anew
  std::int64_t budget, granule;          // bytes: the part of Options::bytes in use; the choice
  std::int64_t mapped;                   // bytes of granules and spans that are mapped
  std::int64_t populated;                // bytes that the kernel has mapped; -1: unknown
  std::int64_t pinned;                   // bytes of `mapped` that have holders
  std::int64_t overhead;                 // bytes that the window itself needs, at most
  std::int64_t span_bytes;               // bytes that are reserved for mappings across granules
  std::int64_t span_bytes_in_use;        // of those; parts of `mapped` and `pinned`
  std::int64_t span_longest_free;        // bytes: the longest run of granules among the rest
  std::uint64_t span_waiters;            // calls that sleep for such a run now
  std::int64_t files_in_slots, files_at_home, files_in_copies;  // see FileWindow::placement()
};

/// A range of address space, and a limit on what is mapped in it, shared by all windows that are
/// opened with it. A copy of a Budget is the same budget. It lives as long as a copy, a window or a
/// mapping of it.
class KMAPPER_API Budget {
 public:
  explicit Budget(const Options& options = {});

  /// Costs a look at every granule in use and every file, and at every page that it maps. Any
  /// thread.
  [[nodiscard]] Stats stats() const;
  [[nodiscard]] std::int64_t granule() const;
  /// Unmaps all granules that have no holder. Returns how many. Any thread.
  std::int64_t trim() const;
  /// Writes a line to standard error for each granule, and for each mapping across granules, that
  /// has been held for at least this long, with the thread that took it. Returns how many. Hold
  /// times of granules have the resolution of the window's clock, which is read at each miss and in
  /// this call: granules taken since the last reading are not counted.
  std::int64_t report_holders(std::chrono::nanoseconds longer_than) const;

 private:
  friend class FileWindow;
  friend struct Internals;
  std::shared_ptr<Arena> arena_;
};

/// A part of a file, mapped until the destructor. Move-only; may be used and destroyed by any
/// thread. A granule has a limited number of mappings at a time, see FileWindow::map().
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

  /// The bytes asked for, contiguous; for reading only.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// The same, for writing. Only where the window was opened for writing: elsewhere a write faults,
  /// except with Placement::copies. With copies, the first call for a granule may write other
  /// granules back, and so wait for the disk.
  [[nodiscard]] std::span<std::byte> writable() const { return {data(), size_}; }
  [[nodiscard]] std::byte* data() const {
    if (is_to_write()) [[unlikely]]
      mark_written();
    return data_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Whether an access to the mapping failed: the file has been cut short, the disk or a quota was
  /// full, or the disk could not be read. The page of the access shows zeros from then on, and what
  /// is written there is lost: see FileWindow::sync(). Also true of a mapping that shares its
  /// granule with a bad one.
  [[nodiscard]] bool bad() const noexcept;
  /// The reason: cut_short, or the system's error for that page (no_space_on_device; EDQUOT of a
  /// quota; io_error). No error if the mapping is not bad.
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
  [[nodiscard]] bool is_to_write() const noexcept {
    return (reinterpret_cast<std::uintptr_t>(record_) & kToWrite) != 0;
  }
  void mark_written() const noexcept;

  static constexpr std::uintptr_t kToWrite = 1;  // in record_: a copy that may be written to

  File* file_ = nullptr;
  // Of the one granule that holds it all; null but for kToWrite: it is a span.
  Record* record_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// How the caller will use a file: see FileWindow::advise().
enum class Advice : std::uint8_t {
  normal,      // the window finds out
  sequential,  // from front to back, at one place or several
  random,      // at random places
};

/// How long a call may wait until others give something back. A deadline that lies 68 years or more
/// after the machine's start is never reached.
struct Patience {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::stop_token stop = {};
};

/// A file, seen through the window. Except the destructor, all calls may come from several threads
/// at once. Offsets and lengths are in bytes.
class KMAPPER_API FileWindow {
 public:
  /// Opens a regular file, a memory file or a block device. For other files the constructor throws
  /// an error that names their kind, and does not wait for them. Opening does not change the file.
  /// Offsets that have no granule number are an error of map() (file_too_large, with the limit):
  /// with granules of 4 KiB offsets from 2^56 on; in slots of a 32-bit process, from 2^44 on. A
  /// file in huge pages (hugetlbfs) needs granules of at least that size, except with a budget of
  /// copies.
  FileWindow(const std::string& path, Access access, const Budget& budget);
  /// The same for an open file; the descriptor is duplicated. It must be open for reading, for
  /// read_write also for writing, and not for appending.
  FileWindow(int descriptor, Access access, const Budget& budget);
  /// A window that has been moved from may only be assigned to and destroyed.
  FileWindow(FileWindow&&) noexcept;
  /// Closes the file that this was a window of, as the destructor does.
  FileWindow& operator=(FileWindow&&) noexcept;
  /// Unmaps everything. Copies are written to the file, and errors of that to standard error: call
  /// sync() before, to get them as values. To destroy a window while a mapping is held is a mistake
  /// and is reported. The mapping stays usable, and the file and the budget are kept until the
  /// process ends.
  ~FileWindow();

  /// Maps a range of the file, which must lie within the file. Sleeps when all that the budget
  /// allows is pinned, first come first served. A range within one granule is nearly always mapped
  /// already. A longer range is mapped anew each time, and must not exceed longest().
  /// A thread that asks for a mapping while it holds another may wait for ever, if all others do
  /// the same: see try_map(), or Patience. A call that has slept for a second is reported: see
  /// OnLongWait. If all threads of the process sleep in such calls, and none has a deadline or a
  /// stop token, no thread is left to release anything: then one call fails with would_deadlock. In
  /// a process of one thread, every call that would sleep fails so at once.
  /// A granule has at most 16,383 users at a time, in a 64-bit process 2^30 - 1: mappings and
  /// cursors of all threads together. One more fails at once with too_many_users.
  [[nodiscard]] Expected<Mapping> map(std::int64_t offset, std::int64_t length) noexcept;
  [[nodiscard]] Expected<Mapping> map(std::int64_t offset, std::int64_t length,
                                      const Patience& patience) noexcept;
  /// The same, within a time from now. Below 0, it does not wait. A time that ends in 68 years or
  /// later, such as nanoseconds::max(), means no limit.
  [[nodiscard]] Expected<Mapping> map_for(std::int64_t offset, std::int64_t length,
                                          std::chrono::nanoseconds time) noexcept;
  /// The same, and never sleeps until others give something back.
  [[nodiscard]] Expected<Mapping> try_map(std::int64_t offset, std::int64_t length) noexcept;

  /// Maps a range as it is in the file now, for the caller alone: what is written to the mapping
  /// stays in it, and never reaches the file, also where the window was opened for reading. What
  /// others write to the file is seen, or not, until the mapping's first write to that page. Each
  /// such mapping has addresses of its own, which count against Options::span_bytes, and costs a
  /// system call to make, one to release, and memory for the pages that it writes. At most
  /// longest() bytes. Otherwise as map().
  [[nodiscard]] Expected<Mapping> map_private(std::int64_t offset, std::int64_t length,
                                              const Patience& patience = {}) noexcept;

  /// Says how the file will be used from now on. A hint. It is passed on to the system
  /// (posix_fadvise), so for a window of an open descriptor it holds for the caller's descriptor,
  /// too.
  void advise(Advice advice) noexcept;

  /// Says that a range will be used soon. Has it read from its disk, and maps it as far as that
  /// needs nothing that is held, and no more than a quarter of the budget. Waits neither for the
  /// disk nor for other mappings.
  [[nodiscard]] Error prefetch(std::int64_t offset, std::int64_t length) noexcept;

  /// Returns when all that was written to the file, or to a range of it, is on its disk, whether
  /// through this window or elsewhere. Copies that were written to are written first, in ascending
  /// order. If that succeeds, but a page of a mapping of this window was
  /// replaced by zeros (see Mapping::bad()), so that writes to it are lost, returns the reason and
  /// the place. Such an error is returned once, by the next call, whatever its range; of several
  /// errors, the first.
  [[nodiscard]] Error sync() noexcept;
  [[nodiscard]] Error sync(std::int64_t offset, std::int64_t length) noexcept;
  /// Makes the disk begin to write a range, and returns at once.
  [[nodiscard]] Error start_sync(std::int64_t offset, std::int64_t length) noexcept;
  /// Makes the file longer, with zeros, or shorter. Errors: `pinned` (a mapping behind the new end
  /// is held, or one across granules anywhere; nothing was done); file_too_large beyond the
  /// process's limit (RLIMIT_FSIZE), without a SIGXFSZ. No thread may map the part that is cut off
  /// during the call.
  [[nodiscard]] Error resize(std::int64_t size) noexcept;
  /// Writes bytes behind the file's end, and returns the offset of the first. They can be mapped
  /// when the call returns. Two appends of this window do not mix, nor do append() and resize().
  /// Other windows and processes that change the file's size must be kept away by their programs.
  /// If the call fails, nothing has been appended. Costs three system calls. Errors: read_only; of
  /// the system (no_space_on_device; file_too_large beyond RLIMIT_FSIZE, without a SIGXFSZ).
  [[nodiscard]] Expected<std::int64_t> append(std::span<const std::byte> bytes) noexcept;
  /// Makes a range zeros, and frees the disk space or memory that it takes up. Errors: `pinned` (a
  /// mapping of the range is held; with copies that are written back, also one across granules
  /// anywhere); `invalid_range` (the range does not begin with a granule, and end with one or with
  /// the file); operation_not_supported (by the file's file system).
  [[nodiscard]] Error discard(std::int64_t offset, std::int64_t length) noexcept;
  /// Unmaps all granules of the file that have no holder, as Budget::trim() does for all files.
  /// Returns how many. Looks at every granule of the file, or at every granule of the budget,
  /// whichever are fewer. Any thread.
  std::int64_t trim() noexcept;
  /// Reads the file's size again. With copies, every later map() shows the file as it is now, or
  /// newer. Mappings that are held stay as they are. (Copies that were written to are written to
  /// the file first, or, if they are held, later: of two mappings of a granule that are held during
  /// and after the call, only one should be written to.) A map() beyond the known size reads the
  /// size by itself. Costs a system call; with copies also a look at every granule, as trim()
  /// does, and a read of each granule that is mapped again. Errors: of the system; also that of a
  /// copy that cannot be written to the file. Any thread.
  [[nodiscard]] Error refresh() noexcept;
  /// The file's size when it was last read.
  [[nodiscard]] std::int64_t size() const noexcept;
  /// The longest range that map() accepts, at any offset.
  [[nodiscard]] std::int64_t longest() const noexcept;
  /// Where the file's granules are mapped; never automatic. Slots, too, once the kernel has been
  /// found to map more of a file at home than what was touched. Any thread.
  [[nodiscard]] Placement placement() const noexcept;
  /// Why it is there, in one line, for example "copies: a granule of 64 KiB takes 22.0 us at home,
  /// 31.5 us in slots, 6.0 us to read". Each time is that of a miss with all that gives the granule
  /// back, in the mean of two uses: of one page of the granule, and of all its pages. Any thread.
  [[nodiscard]] std::string why_placed() const;

 private:
  friend class Cursor;
  friend struct Internals;
  explicit FileWindow(std::unique_ptr<File> file) noexcept;
  std::unique_ptr<File> file_;
};

}  // namespace kmapper::process
