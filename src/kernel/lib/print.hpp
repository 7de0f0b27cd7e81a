// print("slot {} of {}\n", slot, slots): format.hpp's text on the console. The text of one call is
// written in one piece up to 256 characters, so that CPUs do not mix their lines. For more text in
// one piece, hold the console: console.hpp.
#pragma once

#include <cstddef>

#include "kernel/lib/format.hpp"

namespace kmapper::kernel {

/// Writes to the console, which this CPU must hold (console.hpp). The driver defines it. Any
/// context.
void console_write(const char* text, std::size_t size);
/// Whether this CPU is in console_write(). If so, an exception comes from the console itself, and
/// to report it there would only cause the next one. Interrupts must be disabled.
[[nodiscard]] bool console_has_faulted();

/// The implementation of print(). Any context.
void print_arguments(std::string_view format, std::span<const Argument> arguments);

/// While an object exists, it keeps a copy of the printed text, as much as fits: for tests of
/// reports. One at a time.
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
