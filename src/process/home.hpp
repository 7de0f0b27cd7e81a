// Home placement: every granule of a file has an address of its own, in one reservation for the
// whole file. Mapping a granule is no system call, or one that fills it; taking a batch back is one
// for all of it (Arena::drop). Several times as fast as mapping over a slot's addresses.
//
// But nothing except the kernel's good will keeps it from mapping more than was touched: around a
// read fault up to 64 KiB, and of some files whole folios. What it maps beyond the granule nobody
// would ever take back. So only those files have a home of which the kernel maps what was asked:
//
//     memory files, granules below 64 KiB   opened for writing: a write access maps one page
//     memory files, granules from 64 KiB    a read fault maps 64 KiB at most, on their borders
//     all files, granules of 2 MiB          where pages have 4 KiB: no folio is larger, or crosses
//                                           their borders
//
// Other granules are smaller than the kernel's huge pages: their reservation begins where no huge
// page of the file can be mapped as one. The first granule that is mapped is looked at: if the
// kernel of this machine maps more, there is no home.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "process/memory.hpp"
#include "process/page_size.hpp"

namespace kmapper::process {

class Home {
 public:
  /// Of a file, whose size is given. Null if it may not have one, or there are no addresses for it.
  [[nodiscard]] static std::unique_ptr<Home> open(int descriptor, std::int64_t size,
                                                  unsigned granule_shift, int protection);

  /// Whether the granule has an address here.
  [[nodiscard]] bool has(std::uint64_t granule) const {
    return granule < granules_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::byte* address(std::uint64_t granule) const {
    return begin_ + (static_cast<std::size_t>(granule) << granule_shift_);
  }
  /// Whether fill() is a system call; else it is an access, or nothing.
  [[nodiscard]] bool fills_by_a_call() const {
    return by_writing_ && std::size_t{1} << granule_shift_ > page_size();
  }
  /// Whether neighbours take their time one by one, and not what an access maps around it.
  [[nodiscard]] bool is_slow_in_runs() const { return by_writing_; }
  /// The page tables that the kernel may come to keep for so much of a file, in bytes.
  [[nodiscard]] static std::int64_t page_tables_for(std::int64_t size);
  /// How much of the file may have addresses here.
  [[nodiscard]] std::int64_t room() const {
    return static_cast<std::int64_t>(room_ << granule_shift_);
  }
  /// Lets so much of the file, and no more than room(), have addresses here. One thread at a time.
  void admit(std::int64_t size);

  /// Has granules of a file of that size mapped as far as they need to be before they are used.
  /// What the file cannot give is found out when it is accessed: perhaps here, see Arena::patch().
  /// Returns an errno, or 0.
  [[nodiscard]] int fill(std::uint64_t first, std::uint64_t granules, std::int64_t size);
  /// Shows the file where pages were replaced by others.
  void restore(std::uint64_t granule, int descriptor, int protection);

 private:
  Home(AddressRange range, std::byte* begin, std::uint64_t room, unsigned granule_shift);
  void look_around(std::uint64_t granule);

  const AddressRange range_;
  std::byte* const begin_;    // of the file's first granule, in the range
  const std::uint64_t room_;  // granules
  const unsigned granule_shift_;
  const bool by_writing_;  // only that maps what was asked for
  // Relaxed, both: whoever hears of it late uses a home that is there still.
  std::atomic<std::uint64_t> granules_{0};
  std::atomic<bool> looked_{false};
};

}  // namespace kmapper::process
