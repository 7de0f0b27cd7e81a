// Why a call on a window of a process failed: a std::error_code, and the numbers that a person
// needs to see what was wrong. The text is made only when message() is called.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "kmapper/export.h"

namespace kmapper::process {

/// Errors of the window itself, not of the operating system. Each equals the nearest std::errc. C
/// programs know the numbers, so new errors are added at the end.
enum class WindowErrc {
  would_sleep = 1,  // everything is pinned, and the caller may not wait
  timed_out,        // nothing was unpinned in time
  cancelled,        // the stop token was asked to stop
  too_many_users,   // so many mappings hold the granule that no more can be counted
  too_large,        // longer, or more, than what can be mapped at once
  invalid_range,    // a negative offset, or a length below 1
  beyond_end,       // behind the end of the file
  pinned,           // a mapping of it is held
  read_only,        // a write to a window that was opened for reading
  invalid_option,   // an option that this machine or file does not allow
  cut_short,        // the file has become shorter than what is mapped of it
  forked,           // the window belongs to the parent process
  spent,            // the reservation has no room left
  would_deadlock,   // all threads sleep for mappings, and none is left to release one
};

[[nodiscard]] KMAPPER_API const std::error_category& window_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(WindowErrc code) noexcept {
  return {static_cast<int>(code), window_category()};
}

/// The error of a call, or none. No larger than two pointers: a call that succeeds returns it, too.
class [[nodiscard]] KMAPPER_API Error {
 public:
  /// What a call was asked for; the error's text names it.
  enum class About : std::uint8_t {
    nothing,   // only the file or the budget
    range,     // `length` bytes at `offset`
    size,      // to make a file `offset` bytes long
    page,      // HighPage `count`, which lies at `offset`
    granules,  // `count` granules, `length` bytes in all
  };
  /// All that is known of the error.
  struct Details {
    std::error_code code;
    About about = About::nothing;
    std::uint64_t count = 0;
    std::int64_t offset = 0;
    std::int64_t length = 0;
    /// The limit that the text names, in bytes, such as the file's size.
    std::optional<std::int64_t> limit = {};
    /// A text that says more than the code does; a literal. Null: the code's own text.
    const char* why = nullptr;
    /// The file's name. Null: the text says "window", or "budget" if it is about granules.
    std::shared_ptr<const std::string> name = {};
  };

  Error() = default;
  /// If there is no memory for the details, the error becomes not_enough_memory.
  explicit Error(Details details) noexcept;
  // NOLINTNEXTLINE(google-explicit-constructor)
  Error(std::error_code code) noexcept : Error(Details{.code = code}) {}

  /// Whether there is an error.
  explicit operator bool() const { return details_ != nullptr; }
  [[nodiscard]] std::error_code code() const {
    return details_ != nullptr ? details_->code : std::error_code();
  }
  [[nodiscard]] About about() const {
    return details_ != nullptr ? details_->about : About::nothing;
  }
  [[nodiscard]] std::int64_t offset() const { return details_ != nullptr ? details_->offset : 0; }
  [[nodiscard]] std::int64_t length() const { return details_ != nullptr ? details_->length : 0; }
  /// The limit that the text names, in bytes, such as the file's size; 0: none, or an empty file.
  [[nodiscard]] std::int64_t limit() const {
    return details_ != nullptr ? details_->limit.value_or(0) : 0;
  }
  /// One line that names the file or budget, what was asked of it, what was wrong, and the limit.
  /// Throws std::bad_alloc.
  [[nodiscard]] std::string message() const;

 private:
  std::shared_ptr<const Details> details_;  // null: no error
};

/// A value, or the Error why there is none.
template <class T>
class [[nodiscard]] Expected {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(T value) noexcept : value_(std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Expected(Error error) noexcept : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  [[nodiscard]] const Error& error() const { return error_; }
  /// T{} if there is an error.
  [[nodiscard]] T& operator*() { return value_; }
  [[nodiscard]] const T& operator*() const { return value_; }
  [[nodiscard]] T* operator->() { return &value_; }
  [[nodiscard]] const T* operator->() const { return &value_; }

 private:
  T value_{};
  Error error_{};
};

}  // namespace kmapper::process

template <>
struct std::is_error_code_enum<kmapper::process::WindowErrc> : std::true_type {};
