// Several mappings at once. A thread that waits for a mapping while it holds another may wait for
// ever, if all others do the same. So ask for all of them in one call, which waits for all or none;
// or reserve room before the first is mapped, when the others are not known yet.
//
//     Range ranges[] = {{&from, 0, 4096}, {&to, 8192, 4096}};
//     if (Error error = map_all(budget, ranges)) return puts(error.message().c_str());
//     copy(ranges[0].mapping.bytes(), ranges[1].mapping.writable());
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// The range to map, and its mapping after a successful call.
struct Range {
  FileWindow* window = nullptr;
  std::int64_t offset = 0;
  std::int64_t length = 0;  // within one granule
  Mapping mapping = {};
};

/// Maps all of the ranges, or none. The ranges may be in any windows that were opened with the
/// budget. If it must sleep, it holds none of them meanwhile; see FileWindow::map(). The list may
/// have any order: it is worked through in that of the files' granules, so that each granule is
/// mapped once, and neighbours by one system call. Copies of a file on a disk are read up to 64 at
/// the same time, by one system call, where the process may use io_uring. Each range is one user of
/// its granule. Costs also a sort of the list. Errors: as map(), and too_large (a range across
/// granules, or more granules than the budget has slots), invalid_option (no window, or a window of
/// another budget). Any thread.
[[nodiscard]] KMAPPER_API Error map_all(const Budget& budget, std::span<Range> ranges,
                                        const Patience& patience = {}) noexcept;

/// Room for a number of granules, held until it is used or destroyed. Mapping in it never waits.
/// Move-only; used by one thread at a time.
class [[nodiscard]] KMAPPER_API Reservation {
 public:
  Reservation() noexcept;
  Reservation(Reservation&&) noexcept;
  /// Gives back the room that this reservation had left.
  Reservation& operator=(Reservation&&) noexcept;
  ~Reservation();

  /// Maps a range of a file of the same budget, within one granule. Uses up the room of one
  /// granule, unless the granule is mapped already. Errors: as FileWindow::try_map(), and spent,
  /// invalid_option (a window of another budget), too_large (a range across granules).
  [[nodiscard]] Expected<Mapping> map(FileWindow& window, std::int64_t offset,
                                      std::int64_t length) noexcept;
  /// The number of granules that there is room left for.
  [[nodiscard]] std::int64_t left() const noexcept;

 private:
  struct Room;
  friend Expected<Reservation> reserve(const Budget&, std::int64_t, const Patience&) noexcept;
  explicit Reservation(std::unique_ptr<Room> room) noexcept;
  std::unique_ptr<Room> room_;
};

/// Reserves room for `granules` granules, all or none. May sleep, first come first served; the
/// caller should hold no mapping. Errors: would_sleep, timed_out, cancelled, too_large (more than
/// the budget has slots), invalid_range (less than one). Any thread.
[[nodiscard]] KMAPPER_API Expected<Reservation> reserve(const Budget& budget, std::int64_t granules,
                                                        const Patience& patience = {}) noexcept;

}  // namespace kmapper::process
