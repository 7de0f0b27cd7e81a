// A value, or why there is none: what std::expected is from C++23 on, as far as a kernel needs it.
#pragma once

namespace kmapper::kernel {

template <class T, class E>
class [[nodiscard]] Result {
 public:
  constexpr explicit(false) Result(T value) : ok_(true), value_(value) {}   // NOLINT: as expected
  constexpr explicit(false) Result(E error) : ok_(false), error_(error) {}  // NOLINT

  constexpr explicit operator bool() const { return ok_; }
  /// Only where there is one.
  [[nodiscard]] constexpr T value() const { return value_; }
  /// Only where there is no value.
  [[nodiscard]] constexpr E error() const { return error_; }

 private:
  bool ok_;
  union {
    T value_;
    E error_;
  };
};

}  // namespace kmapper::kernel
