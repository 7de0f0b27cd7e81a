// print("slot {} of {}\n", slot, slots): format.hpp's text on the console. What one call prints
// comes out in one piece as long as it has at most 256 characters, so that CPUs do not cut into
// each other's lines. What must come out in one piece beyond that holds the console: console.hpp.
#pragma once

#include <cstddef>

#include "kernel/lib/format.hpp"

namespace kmapper::kernel {

/// Writes to the console, which this CPU must hold (console.hpp); the serial driver's. Any context.
void console_write(const char* text, std::size_t size);
/// Whether this CPU is in console_write(): then an exception is the console's own, and to report it
/// there would only cause the next. Interrupts must be disabled.
[[nodiscard]] bool console_has_faulted();

/// What print() comes down to. Any context.
void print_arguments(std::string_view format, std::span<const Argument> arguments);

/// Keeps a copy of what is printed while it lives, as much as fits: for tests of reports. One at a
/// time.
class PrintCapture {
 public:
  explicit PrintCapture(std::span<char> buffer);
  ~PrintCapture();
  PrintCapture(const PrintCapture&) = delete;
  PrintCapture& operator=(const PrintCapture&) = delete;

  void add(std::string_view text);
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), used_}; }

 private:
  std::span<char> buffer_;
  std::size_t used_ = 0;
};

template <class... T>
void print(Format<std::type_identity_t<T>...> format, const T&... values) {
  const std::array<Argument, sizeof...(T)> arguments{Argument(values)...};
  print_arguments(format.text(), arguments);
}

}  // namespace kmapper::kernel
