#include "kmapper/process/error.hpp"

#include <new>
#include <string>

#include "process/window/platform.hpp"

namespace kmapper::process {
namespace {

constexpr auto kMostUsers =
    word::kSaturated<Platform::SlotWord> / word::kUser<Platform::SlotWord> - 1;

class Category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "kmapper"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (WindowErrc{value}) {
      case WindowErrc::would_sleep:
        return "all that the budget allows is pinned";
      case WindowErrc::timed_out:
        return "no part of the budget was unpinned in time";
      case WindowErrc::cancelled:
        return "cancelled";
      case WindowErrc::too_many_users:
        return std::to_string(kMostUsers) + " users hold this granule, and no more can";
      case WindowErrc::too_large:
        return "more than can be mapped at once";
      case WindowErrc::spent:
        return "the reservation has no room left";
      case WindowErrc::invalid_range:
        return "not a range: an offset below 0, or a length below 1";
      case WindowErrc::beyond_end:
        return "beyond the end of the file";
      case WindowErrc::pinned:
        return "a mapping of it is held";
      case WindowErrc::read_only:
        return "the window was opened for reading";
      case WindowErrc::invalid_option:
        return "this option is not allowed here";
      case WindowErrc::cut_short:
        return "the file has become shorter than what is mapped of it";
      case WindowErrc::forked:
        return "the window belongs to the parent process";
      case WindowErrc::would_deadlock:
        return "all threads sleep for mappings, and none is left to release one";
    }
    return "unknown error";
  }

  [[nodiscard]] std::error_condition default_error_condition(int value) const noexcept override {
    switch (WindowErrc{value}) {
      case WindowErrc::would_sleep:
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
      case WindowErrc::would_deadlock:
        return std::errc::resource_deadlock_would_occur;
    }
    return {value, *this};
  }
};

/// Never destroyed: destructors of static objects and atexit handlers may still use it.
template <class T>
union Undying {
  T value;
  template <class... Arguments>
  constexpr explicit Undying(Arguments&&... arguments)
      : value(std::forward<Arguments>(arguments)...) {}
  Undying(const Undying&) = delete;
  Undying& operator=(const Undying&) = delete;
  constexpr ~Undying() {}  // NOLINT(modernize-use-equals-default): that would be deleted
};

constinit const Undying<Category> category;

/// What the call was asked for, in words.
std::string text_of(const Error::Details& it) {
  switch (it.about) {
    case Error::About::range:
      return ": " + std::to_string(it.length) + " bytes at " + std::to_string(it.offset);
    case Error::About::size:
      return ": a size of " + std::to_string(it.offset) + " bytes";
    case Error::About::page:
      return ": page " + std::to_string(it.count);
    case Error::About::granules:
      return ": " + std::to_string(static_cast<std::int64_t>(it.count)) + " granules, " +
             std::to_string(it.length) + " bytes";
    case Error::About::nothing:
      break;
  }
  return {};
}

}  // namespace

const std::error_category& window_category() noexcept { return category.value; }

Error::Error(Details details) noexcept {
  try {
    details_ = std::make_shared<const Details>(std::move(details));
  } catch (const std::bad_alloc&) {
    static const Undying<Details> kNoMemory(
        Details{.code = std::make_error_code(std::errc::not_enough_memory)});
    details_ = std::shared_ptr<const Details>(std::shared_ptr<void>(), &kNoMemory.value);
  }
}

std::string Error::message() const {
  if (details_ == nullptr) return "no error";
  const Details& it = *details_;
  std::string text = it.about == About::granules ? "budget" : "window";
  if (it.name != nullptr) text = *it.name;
  text += text_of(it) + ": " + (it.why != nullptr ? it.why : it.code.message());
  if (it.limit) text += ", " + std::to_string(*it.limit) + " bytes";
  return text;
}

}  // namespace kmapper::process
