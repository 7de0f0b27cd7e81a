// Home placement: every granule of a file has an address of its own. To map a granule takes one
// system call, which fills it, or none. To take a batch back takes one for all of it (Arena::drop).
// Both are several times as fast as to map over a slot's addresses.
//
// The addresses come in extents. The first is as long as the file is when it is opened. When the
// file grows, another follows, of at least the same length, so that there are few. Granules that
// have an address keep it.
//
// The kernel may map more than was touched: around a read fault up to 64 KiB, and of some files
// whole folios. What it maps beyond the granule would never be taken back. So a file has a home
// only if the kernel maps no more of it than was asked for:
//
//     memory files, granules below 64 KiB   opened for writing: a write access maps one page
//     memory files, granules from 64 KiB    a read fault maps 64 KiB at most, on their borders
//     all files, granules of 2 MiB          only where pages have 4 KiB: then no folio is larger
//                                           than a granule, and none crosses its borders
//
// Granules below 2 MiB are smaller than the kernel's huge pages: their extents begin where no huge
// page of the file can be mapped as one. The first granule that is mapped is checked: if this
// machine's kernel maps more, there is no home.
//
// A process that locks all that it maps (mlockall with MCL_FUTURE) has no homes, because the kernel
// would map whole files. What a later mlockall() locks is unlocked when the next granule is taken
// back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "process/fill/home_range.hpp"
#include "system/page_size.hpp"

namespace kmapper::process {

/// Whether the file is in memory: a memory file (memfd), or a file of tmpfs.
[[nodiscard]] bool is_memory_file(int descriptor);

class Home {
 public:
  /// How a file is mapped. The caller owns the descriptor, and keeps it open.
  struct Terms {
    int descriptor;
    int protection;
    unsigned granule_shift;
    bool is_dumped;  // whether core dumps contain it, as a whole
  };
  /// Null if the kernel maps more of such a file than what is touched. No granule has an address
  /// yet.
  [[nodiscard]] static std::unique_ptr<Home> open(const Terms& terms);

  /// Whether the granule has an address here.
  [[nodiscard]] bool has(std::uint64_t granule) const {
    return granule < granules_.load(std::memory_order_acquire);  // pairs with admit()
  }
  [[nodiscard]] std::byte* address(std::uint64_t granule) const {
    const Extent& it = extent_of(granule);
    return it.range.begin() + (static_cast<std::size_t>(granule - it.first) << granule_shift());
  }
  /// The granule that has this address, if one has.
  [[nodiscard]] std::optional<std::uint64_t> granule_at(const std::byte* address) const {
    const Extent* it = newest_.load(std::memory_order_acquire);  // pairs with add_extent()
    for (; it != nullptr; it = it->older.get()) {
      if (!it->range.contains(address)) continue;
      return it->first + (static_cast<std::size_t>(address - it->range.begin()) >> granule_shift());
    }
    return {};
  }
  /// Whether fill() makes a system call; otherwise it is an access, or nothing.
  [[nodiscard]] bool fills_by_a_call() const {
    return by_writing_ && std::size_t{1} << granule_shift() > system::page_size();
  }
  /// Whether each neighbour takes its own time, because an access maps nothing around it.
  [[nodiscard]] bool is_slow_in_runs() const { return by_writing_; }
  /// The page tables that the kernel may come to keep for this much of a file, in bytes.
  [[nodiscard]] static std::int64_t page_tables_for(std::int64_t size);
  /// Gives addresses to this much of the file. False: there are none for it. One thread at a time.
  [[nodiscard]] bool admit(std::int64_t size);

  /// Maps granules of a file of that size, as far as they must be mapped before they are used. What
  /// the file cannot provide is found out at an access: perhaps here, see Arena::patch(). Returns
  /// an errno, or 0.
  [[nodiscard]] int fill(std::uint64_t first, std::uint64_t granules, std::int64_t size);
  /// Shows the file again where pages were replaced. False: the kernel refuses, for example because
  /// there are too many mappings, and the zeros are still there.
  [[nodiscard]] bool restore(std::uint64_t granule);
  /// Whether the kernel was found to map more of the file than what is touched. Then no granule
  /// gets an address any more.
  [[nodiscard]] bool is_given_up() const { return given_up_.load(std::memory_order_relaxed); }
  /// Gives addresses to no more granules. Those that have one keep it while they are in use.
  void close();

  /// Whether mlockall() has locked it, so that all of the file is mapped and in memory.
  [[nodiscard]] bool is_locked() const;
  /// Unlocks it, and makes the kernel unmap all pages. The kernel maps those in use again when they
  /// are touched.
  void unlock();
  /// Calls visit(begin, size) for each extent.
  template <class Visitor>
  void for_each_extent(Visitor visit) const {
    const Extent* it = newest_.load(std::memory_order_acquire);  // pairs with add_extent()
    for (; it != nullptr; it = it->older.get()) visit(it->range.begin(), it->range.size());
  }

 private:
  struct Extent {
    HomeRange range;
    std::uint64_t first;  // granule
    std::unique_ptr<Extent> older;
  };

  explicit Home(const Terms& terms);
  [[nodiscard]] unsigned granule_shift() const { return terms_.granule_shift; }
  [[nodiscard]] std::size_t granule() const { return std::size_t{1} << granule_shift(); }
  /// The extent of a granule that has an address.
  [[nodiscard]] const Extent& extent_of(std::uint64_t granule) const {
    const Extent* it = newest_.load(std::memory_order_acquire);  // pairs with add_extent()
    while (granule < it->first) it = it->older.get();
    return *it;
  }
  [[nodiscard]] bool grow(std::uint64_t granules);
  [[nodiscard]] bool add_extent(std::uint64_t granules);
  [[nodiscard]] HomeRange map_extent(std::uint64_t first, std::uint64_t granules) const;
  void look_around(std::uint64_t granule);

  const Terms terms_;
  const bool by_writing_;            // only writing maps exactly what was asked for
  std::unique_ptr<Extent> extents_;  // the newest first; changed by one thread at a time
  std::uint64_t end_ = 0;            // granules that the extents have room for; changed likewise
  std::atomic<const Extent*> newest_{nullptr};
  std::atomic<std::uint64_t> granules_{0};  // that have an address
  // Relaxed, both: a thread that reads the old value uses a home that still exists.
  std::atomic<std::uint32_t> looked_{0};  // a word: g++ 12 for RISC-V exchanges bytes in libatomic
  std::atomic<bool> given_up_{false};
};

}  // namespace kmapper::process
