// A line as somebody types it: characters in, and what to show for them out.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace kmapper::kernel {

class LineEditor {
 public:
  static constexpr std::size_t kMostCharacters = 256;

  /// Takes one character. Printable ones join the line; backspace and delete take the last one
  /// back, ^U and ^C all of them; a carriage return or a line feed ends the line; others, and what
  /// comes when the line is full, are ignored. Returns what the terminal should get, until the next
  /// call.
  [[nodiscard]] std::string_view take(char character);

  /// Whether the line has ended. Then the next character begins a new one.
  [[nodiscard]] bool has_ended() const { return ended_; }
  [[nodiscard]] std::string_view line() const { return {characters_.data(), size_}; }

 private:
  [[nodiscard]] std::string_view rub_out(std::size_t characters);

  std::array<char, kMostCharacters> characters_{};
  std::size_t size_ = 0;
  std::array<char, 3 * kMostCharacters> echo_{};
  bool ended_ = false;
  bool after_return_ = false;  // a line feed right behind belongs to it
};

}  // namespace kmapper::kernel
