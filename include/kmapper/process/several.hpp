// Several mappings at once. Whoever waits for a mapping while holding another may wait for ever, if
// all others do so too. So ask for all of them in one call, which waits for all or none; or reserve
// room before the first of them is known.
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

/// What is wanted, and the mapping when it is there.
struct Range {
  FileWindow* window = nullptr;
  std::int64_t offset = 0;
  std::int64_t length = 0;  // within one granule
  Mapping mapping = {};
};

/// Maps all of the ranges, or none; of any windows that were opened with the budget. Sleeps, if
/// need be, without holding one of them, as FileWindow::map() does. What follows each other in the
/// list and in its file is mapped by one system call. Each range is a user of its granule, which
/// has at most 16,383. Errors: as map(), and too_large (a range across granules, or more granules
/// than the budget has slots), invalid_option (no window, or one of another budget). Any thread.
[[nodiscard]] KMAPPER_API Error map_all(const Budget& budget, std::span<Range> ranges,
                                        const Patience& patience = {}) noexcept;

/// Room for so many granules, held until it is used or destroyed: what is mapped in it never waits.
/// Move-only; one thread at a time.
class [[nodiscard]] KMAPPER_API Reservation {
 public:
  Reservation() noexcept;
  Reservation(Reservation&&) noexcept;
  /// Gives back what room this had.
  Reservation& operator=(Reservation&&) noexcept;
  ~Reservation();

  /// Maps a range of a file of the same budget, within one granule. Uses up a granule's room unless
  /// it is mapped already. Errors: as FileWindow::try_map(), and spent, invalid_option (a window of
  /// another budget), too_large (a range across granules).
  [[nodiscard]] Expected<Mapping> map(FileWindow& window, std::int64_t offset,
                                      std::int64_t length) noexcept;
  /// Granules that there is still room for.
  [[nodiscard]] std::int64_t left() const noexcept;

 private:
  struct Room;
  friend Expected<Reservation> reserve(const Budget&, std::int64_t, const Patience&) noexcept;
  explicit Reservation(std::unique_ptr<Room> room) noexcept;
  std::unique_ptr<Room> room_;
};

/// Reserves room for so many granules, all or none. Sleeps if need be, first come first served; the
/// caller should hold no mapping. Errors: would_sleep, timed_out, cancelled, too_large (more than
/// the budget has slots), invalid_range (less than one). Any thread.
[[nodiscard]] KMAPPER_API Expected<Reservation> reserve(const Budget& budget, std::int64_t granules,
                                                        const Patience& patience = {}) noexcept;

}  // namespace kmapper::process
