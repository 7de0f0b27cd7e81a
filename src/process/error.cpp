#include "kmapper/process_error.hpp"

#include <new>

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
        return "more than what can be mapped at once";
      case WindowErrc::spent:
        return "the reservation has nothing left";
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
      case WindowErrc::cut_short:
        return "the file has become shorter than what is mapped of it";
      case WindowErrc::forked:
        return "the window is the parent process's";
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
      case WindowErrc::spent:
        return std::errc::not_enough_memory;
      case WindowErrc::invalid_range:
      case WindowErrc::invalid_option:
        return std::errc::invalid_argument;
      case WindowErrc::beyond_end:
        return std::errc::result_out_of_range;
      case WindowErrc::cut_short:
        return std::errc::io_error;
      case WindowErrc::forked:
        return std::errc::operation_not_permitted;
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

Error::Error(std::error_code code, std::int64_t offset, std::int64_t length, std::int64_t limit,
             std::shared_ptr<const std::string> file) noexcept {
  try {
    details_ =
        std::make_shared<const Details>(Details{code, offset, length, limit, std::move(file)});
  } catch (const std::bad_alloc&) {
    static const Details kNoMemory{std::make_error_code(std::errc::not_enough_memory), 0, 0, 0, {}};
    details_ = std::shared_ptr<const Details>(std::shared_ptr<void>(), &kNoMemory);
  }
}

std::string Error::message() const {
  if (details_ == nullptr) return "no error";
  std::string text = details_->file != nullptr ? *details_->file : "window";
  text += ": " + std::to_string(length()) + " bytes at " + std::to_string(offset()) + ": " +
          code().message();
  if (limit() != 0) text += ", " + std::to_string(limit()) + " bytes";
  return text;
}

}  // namespace kmapper::process
