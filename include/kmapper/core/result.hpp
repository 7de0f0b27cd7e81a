// A value, or the reason why there is none.
#pragma once

#include <stdint.h>

namespace kmapper {

/// Why a call failed. A call that fails leaves nothing behind: no pin, no slot, no place in the
/// queue.
enum class MapError : uint8_t {
  none,
  would_sleep,     // no slot is free, and the caller may not sleep
  timed_out,       // no slot went idle in time
  cancelled,       // the Cancellation was requested
  too_many_users,  // the page is pinned as often as can be counted
  too_large,       // more slots than the window has, or more pages than the vmap range has
  holds_a_pin,     // reserve by a caller that holds a mapping: it could wait for itself (checked)
  spent,           // the reservation has no slot left
  no_room,         // no run of so many pages is free (vmap)
  no_memory,       // not so many pages of memory are free (vmalloc)
};

/// `E` is an enum with the value `none`.
template <class T, class E = MapError>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(static_cast<T&&>(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error) : value_{}, error_(error) {}          // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return error_ == E::none; }
  [[nodiscard]] E error() const { return error_; }
  /// T{} in a result that holds an error.
  [[nodiscard]] const T& operator*() const { return value_; }
  [[nodiscard]] T& operator*() { return value_; }
  [[nodiscard]] T* operator->() { return &value_; }

 private:
  T value_;
  E error_ = E::none;
};

/// The error in one line of text.
[[nodiscard]] constexpr const char* describe(MapError error) {
  switch (error) {
    case MapError::none:
      return "done";
    case MapError::would_sleep:
      return "no slot is free and the caller may not sleep";
    case MapError::timed_out:
      return "no slot went idle in time";
    case MapError::cancelled:
      return "cancelled";
    case MapError::too_many_users:
      return "the page has too many users";
    case MapError::too_large:
      return "more than the window or the vmap range has";
    case MapError::holds_a_pin:
      return "the caller holds a mapping, and could wait for itself";
    case MapError::spent:
      return "the reservation has no slot left";
    case MapError::no_room:
      return "no run of so many pages is free";
    case MapError::no_memory:
      return "not so many pages of memory are free";
  }
  return "unknown error";
}

}  // namespace kmapper
