#include "kmapper/process_error.hpp"

namespace kmapper::process {
namespace {

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "kmapper"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (WindowErrc{value}) {
      case WindowErrc::would_sleep:
        return "everything that the budget allows is pinned";
      case WindowErrc::timed_out:
        return "nothing was unpinned in time";
      case WindowErrc::cancelled:
        return "cancelled";
      case WindowErrc::too_many_users:
        return "too many users hold this granule";
      case WindowErrc::too_large:
        return "longer than what the budget can map at once";
      case WindowErrc::invalid_range:
        return "no range: an offset below 0, or a length below 1";
      case WindowErrc::beyond_end:
        return "beyond the end of the file";
      case WindowErrc::pinned:
        return "somebody holds a mapping of it";
      case WindowErrc::read_only:
        return "the window was opened for reading";
      case WindowErrc::invalid_option:
        return "not an option here";
      case WindowErrc::busy:
        return "too many calls at once";
    }
    return "unknown error";
  }

  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    switch (WindowErrc{value}) {
      case WindowErrc::would_sleep:
      case WindowErrc::busy:
        return std::errc::resource_unavailable_try_again;
      case WindowErrc::timed_out:
        return std::errc::timed_out;
      case WindowErrc::cancelled:
        return std::errc::operation_canceled;
      case WindowErrc::too_many_users:
        return std::errc::value_too_large;
      case WindowErrc::too_large:
        return std::errc::not_enough_memory;
      case WindowErrc::invalid_range:
      case WindowErrc::invalid_option:
        return std::errc::invalid_argument;
      case WindowErrc::beyond_end:
        return std::errc::result_out_of_range;
      case WindowErrc::pinned:
        return std::errc::device_or_resource_busy;
      case WindowErrc::read_only:
        return std::errc::read_only_file_system;
    }
    return {value, *this};
  }
};

}  // namespace

const std::error_category& window_category() noexcept {
  static const Category kCategory;
  return kCategory;
}

std::string Error::message() const {
  std::string text = file_ != nullptr ? *file_ : "window";
  text += ": " + std::to_string(length_) + " bytes at " + std::to_string(offset_) + ": " +
          code_.message();
  if (limit_ != 0) text += ", " + std::to_string(limit_) + " bytes";
  return text;
}

}  // namespace kmapper::process
