// The steps of a program. A failed step must say why; when it is tried again without a failure, it
// must succeed.
#pragma once

#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "injection.h"
#include "kmapper/process/process.hpp"
#include "known_file.hpp"

namespace kmapper::injection {

class Steps {
 public:
  explicit Steps(const injection_plan& plan) : plan_(plan) {}

  /// Makes something by its constructor. Empty if that fails.
  template <class Make>
  auto made(const char* name, Make make) {
    using Made = decltype(make());
    std::optional<Made> result;
    twice(name, [&] {
      try {
        result.emplace(make());
        return true;
      } catch (const std::system_error& error) {
        return failed(error.code(), error.what());
      } catch (const std::bad_alloc&) {
        why_ = "std::bad_alloc";
        return false;
      }
    });
    return result;
  }
  /// For a call that returns an Expected.
  template <class Call>
  auto got(const char* name, Call call) {
    auto result = call();
    twice(name, [&, first = true]() mutable {
      if (!std::exchange(first, false)) result = call();
      return static_cast<bool>(result) || failed(result.error());
    });
    return result;
  }
  /// For a call that returns an Error. Returns whether it succeeded.
  template <class Call>
  bool done(const char* name, Call call) {
    return twice(name, [&] {
      const process::Error error = call();
      return !error || failed(error);
    });
  }

 private:
  template <class Try>
  bool twice(const char* name, Try attempt) {
    if (attempt()) return true;
    if (injection_failed() == CALL_COUNT)
      throw Wrong(std::string(name) + " fails by itself: " + why_);
    if (attempt()) return true;
    if (plan_.lasts == 0) throw Wrong(std::string(name) + " fails when tried again: " + why_);
    return false;
  }
  /// The text is made on request, and needs memory.
  bool failed(const process::Error& error) {
    injection_end();
    failed(error.code(), error.message());
    injection_resume();
    return false;
  }
  /// The error is the system's own, or one that the library names in its place.
  bool failed(const std::error_code& code, const std::string& message) {
    why_ = message + " (" + code.category().name() + " " + std::to_string(code.value()) + ")";
    const bool is_own = code.category() == process::window_category();
    if (!is_own && code.value() != plan_.error) throw Wrong("another error: " + why_);
    if (code.value() == 0 || message.empty()) throw Wrong("an error without a name");
    return false;
  }

  const injection_plan plan_;
  std::string why_;
};

}  // namespace kmapper::injection
