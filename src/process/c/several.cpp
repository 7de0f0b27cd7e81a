// The C interface to mappings of several ranges, and to reservations: see kmapper/kmapper.h.
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include "kmapper/process/several.hpp"
#include "process/c/api.hpp"

// NOLINTBEGIN(readability-identifier-naming): C's names
struct kmapper_reservation {
  kmapper::process::Reservation reservation;
};
// NOLINTEND(readability-identifier-naming)

namespace kmapper::process::c {
namespace {

int map_all(const kmapper_budget* budget, std::span<kmapper_range> wanted,
            const Patience& patience) {
  std::vector<Range> ranges;
  try {
    ranges.resize(wanted.size());
  } catch (const std::exception&) {
    return failed(ENOMEM, "no memory for a list of ranges");
  }
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ranges[i] = {&wanted[i].window->window, wanted[i].offset, wanted[i].length, {}};
  if (const Error error = process::map_all(budget->budget, ranges, patience)) return failed(error);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    (void)hand_out(std::move(ranges[i].mapping), &wanted[i].mapping);
  return KMAPPER_OK;
}

}  // namespace
}  // namespace kmapper::process::c

using namespace kmapper::process::c;  // NOLINT(google-build-using-namespace): this is its face
using kmapper::process::Expected;
using kmapper::process::Patience;
using kmapper::process::Reservation;

int kmapper_map_all(const kmapper_budget* budget, kmapper_range* ranges, size_t count,
                    const kmapper_patience* patience) {
  if (ranges == nullptr && count != 0) return null_argument(__func__, "ranges");
  for (size_t i = 0; i < count; ++i) std::memset(&ranges[i].mapping, 0, sizeof ranges[i].mapping);
  if (budget == nullptr) return null_argument(__func__, "budget");
  for (size_t i = 0; i < count; ++i) {
    if (ranges[i].window == nullptr) return null_window(__func__, i);
  }
  return with_patience(patience, [&](const Patience& it) {
    return kmapper::process::c::map_all(budget, {ranges, count}, it);
  });
}

int kmapper_reservation_create(const kmapper_budget* budget, int64_t granules,
                               const kmapper_patience* patience,
                               kmapper_reservation** reservation) {
  if (reservation == nullptr) return null_argument(__func__, "reservation");
  *reservation = nullptr;
  if (budget == nullptr) return null_argument(__func__, "budget");
  return with_patience(patience, [&](const Patience& it) {
    Expected<Reservation> reserved = kmapper::process::reserve(budget->budget, granules, it);
    if (!reserved) return failed(reserved.error());
    return create("kmapper_reservation_create", "reservation", reservation, {},
                  [&] { return new kmapper_reservation{std::move(*reserved)}; });
  });
}

void kmapper_reservation_destroy(kmapper_reservation* reservation) { delete reservation; }

int kmapper_reservation_map(kmapper_reservation* reservation, kmapper_window* window,
                            int64_t offset, int64_t length, kmapper_mapping* mapping) {
  if (reservation == nullptr || window == nullptr || mapping == nullptr)
    return null_for_mapping(__func__, {{reservation, "reservation"}, {window, "window"}}, mapping);
  return hand_out(reservation->reservation.map(window->window, offset, length), mapping);
}

int64_t kmapper_reservation_left(const kmapper_reservation* reservation) {
  if (reservation == nullptr) return null_argument(__func__, "reservation");
  return reservation->reservation.left();
}
