// A line that a user types: takes characters, and returns what the terminal shows for them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace kmapper::kernel {

class LineEditor {
 public:
  static constexpr std::size_t kMostCharacters = 256;

  /// Takes one character. A printable one is appended to the line; backspace and delete remove the
  /// last one, ^U and ^C all of them; a carriage return or a line feed ends the line. Others are
  /// ignored, as is any that does not fit. Returns the terminal's output, valid until the next
  /// call.
  [[nodiscard]] std::string_view take(char character);

  /// Whether the line has ended. If so, the next character begins a new one.
  [[nodiscard]] bool has_ended() const { return ended_; }
  [[nodiscard]] std::string_view line() const { return {characters_.data(), size_}; }

 private:
  [[nodiscard]] std::string_view rub_out(std::size_t characters);

  std::array<char, kMostCharacters> characters_{};
  std::size_t size_ = 0;
  std::array<char, 3 * kMostCharacters> echo_{};
  bool ended_ = false;
  bool after_return_ = false;  // a line feed directly after a carriage return belongs to it
};

}  // namespace kmapper::kernel
