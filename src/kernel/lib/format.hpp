// Text from values: format_to(buffer, "slot {} of {}", slot, slots). No heap, no varargs: each
// value becomes an Argument that knows its own kind. The compiler checks that there are as many
// fields as values.
//
// A field is {} or {:FORM}. FORM, in this order, each part optional:
//   < or >    left or right; else numbers right, text left
//   0         fill with zeros instead of blanks
//   digits    the least width
//   x         hexadecimal, without 0x
// {{ and }} stand for the braces. Addresses and page frame numbers always print as 0x and
// hexadecimal digits.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// A number of hundredths, printed as "12.34".
struct Hundredths {
  std::uint64_t value;
};

/// One value to print. It is made from the value, and lives as long as the call.
class Argument {
 public:
  enum class Kind : std::uint8_t { text, character, number, negative, address, hundredths };

  template <class T>
  constexpr explicit(false) Argument(const T& value) {  // NOLINT: calls convert by themselves
    if constexpr (std::same_as<T, Pfn> || std::same_as<T, PhysAddr> || std::same_as<T, VirtAddr>) {
      set(Kind::address, to_number(value));
    } else if constexpr (std::same_as<T, Hundredths>) {
      set(Kind::hundredths, value.value);
    } else if constexpr (std::same_as<T, bool>) {
      set_text(value ? "true" : "false");
    } else if constexpr (std::same_as<T, char>) {
      set(Kind::character, static_cast<unsigned char>(value));
    } else if constexpr (std::convertible_to<T, std::string_view>) {
      set_text(value);
    } else if constexpr (std::is_pointer_v<T>) {
      set(Kind::address, reinterpret_cast<std::uintptr_t>(value));
    } else if constexpr (std::is_enum_v<T>) {
      set(Kind::number, static_cast<std::uint64_t>(value));
    } else if constexpr (std::signed_integral<T>) {
      // Negated as unsigned: the least number has no positive counterpart.
      const auto bits = static_cast<std::uint64_t>(value);
      value < 0 ? set(Kind::negative, 0 - bits) : set(Kind::number, bits);
    } else {
      static_assert(std::unsigned_integral<T>, "no idea how to print this");
      set(Kind::number, value);
    }
  }

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr std::uint64_t number() const { return number_; }
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  constexpr void set(Kind kind, std::uint64_t number) {
    kind_ = kind;
    number_ = number;
  }
  constexpr void set_text(std::string_view text) { text_ = text; }

  Kind kind_ = Kind::text;
  std::uint64_t number_ = 0;
  std::string_view text_{};
};

/// A format with as many fields as there are values; any other does not compile.
template <class... T>
class Format {
 public:
  template <std::convertible_to<std::string_view> S>
  consteval explicit(false) Format(const S& text) : text_(text) {  // NOLINT: from a literal
    std::size_t fields = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] != '{') continue;
      if (i + 1 < text_.size() && text_[i + 1] == '{') {
        ++i;
      } else {
        ++fields;
      }
    }
    if (fields != sizeof...(T)) the_format_has_not_as_many_fields_as_there_are_values();
  }
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  static void the_format_has_not_as_many_fields_as_there_are_values() {}  // not constexpr: an error
  std::string_view text_;
};

/// Receives formatted text, piece by piece.
using Write = void (*)(void* context, std::string_view piece);

/// The common implementation of the calls below. Any context.
void format_pieces(Write write, void* context, std::string_view format,
                   std::span<const Argument> arguments);

/// Formats into `buffer`, as much as fits, and returns the text. No terminating zero. Any context.
std::string_view format_into(std::span<char> buffer, std::string_view format,
                             std::span<const Argument> arguments);

template <class... T>
std::string_view format_to(std::span<char> buffer, Format<std::type_identity_t<T>...> format,
                           const T&... values) {
  const std::array<Argument, sizeof...(T)> arguments{Argument(values)...};
  return format_into(buffer, format.text(), arguments);
}

}  // namespace kmapper::kernel
