// One pass over the format: literal text is written unchanged, and each field takes the next
// argument. The digits of a number are made in a small array, from its end, and then padded like
// any text.
#include "kernel/lib/format.hpp"

#include <algorithm>

#include "kernel/lib/divide.hpp"

namespace kmapper::kernel {
namespace {

struct Form {
  bool left = false;
  bool right = false;
  bool zeros = false;
  bool hexadecimal = false;
  std::size_t width = 0;
};

// `text` is the text between the braces.
Form parse_form(std::string_view text) {
  Form form;
  if (text.starts_with(':')) text.remove_prefix(1);
  if (text.starts_with('<') || text.starts_with('>')) {
    (text.front() == '<' ? form.left : form.right) = true;
    text.remove_prefix(1);
  }
  if (text.starts_with('0')) form.zeros = true;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    form.width = form.width * 10 + static_cast<std::size_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  form.hexadecimal = text.starts_with('x');
  return form;
}

// The digits of one number. Room for 64 bits in decimal, a sign, a point.
class Digits {
 public:
  void put(char c) { characters_[--begin_] = c; }
  [[nodiscard]] std::string_view view() const {
    return {characters_ + begin_, sizeof characters_ - begin_};
  }

  void put_hexadecimal(std::uint64_t number) {
    do {
      put("0123456789abcdef"[number & 15]);
      number >>= 4;
    } while (number != 0);
  }

  void put_decimal(std::uint64_t number) {
    while (number > UINT32_MAX) {
      const Quotient quotient = divide(number, 10);
      put_digit(static_cast<std::uint32_t>(quotient.remainder));
      number = quotient.quotient;
    }
    auto rest = static_cast<std::uint32_t>(number);  // the CPU divides 32-bit numbers itself
    do {
      put_digit(rest % 10);
      rest /= 10;
    } while (rest != 0);
  }

  void put_hundredths(std::uint64_t number) {
    const Quotient whole = divide(number, 100);
    put_digit(static_cast<std::uint32_t>(whole.remainder) % 10);
    put_digit(static_cast<std::uint32_t>(whole.remainder) / 10);
    put('.');
    put_decimal(whole.quotient);
  }

 private:
  void put_digit(std::uint32_t digit) { put(static_cast<char>('0' + digit)); }

  char characters_[24];
  std::size_t begin_ = sizeof characters_;
};

void put_number(Digits& digits, const Argument& argument, bool hexadecimal) {
  switch (argument.kind()) {
    case Argument::Kind::address:
      digits.put_hexadecimal(argument.number());
      digits.put('x');
      digits.put('0');
      return;
    case Argument::Kind::hundredths:
      return digits.put_hundredths(argument.number());
    default:
      break;
  }
  if (hexadecimal) {
    digits.put_hexadecimal(argument.number());
  } else {
    digits.put_decimal(argument.number());
  }
  if (argument.kind() == Argument::Kind::negative) digits.put('-');
}

void write_padding(Write write, void* context, char fill, std::size_t count) {
  for (; count > 0; --count) write(context, {&fill, 1});
}

void write_padded(Write write, void* context, std::string_view text, const Form& form, bool left,
                  char fill) {
  const std::size_t padding = form.width > text.size() ? form.width - text.size() : 0;
  if (!left) write_padding(write, context, fill, padding);
  write(context, text);
  if (left) write_padding(write, context, ' ', padding);
}

void write_argument(Write write, void* context, const Argument& argument, const Form& form) {
  if (argument.kind() == Argument::Kind::text) {
    return write_padded(write, context, argument.text(), form, !form.right, ' ');
  }
  if (argument.kind() == Argument::Kind::character) {
    const char character = static_cast<char>(argument.number());
    return write_padded(write, context, {&character, 1}, form, !form.right, ' ');
  }
  Digits digits;
  put_number(digits, argument, form.hexadecimal);
  write_padded(write, context, digits.view(), form, form.left, form.zeros ? '0' : ' ');
}

}  // namespace

void format_pieces(Write write, void* context, std::string_view format,
                   std::span<const Argument> arguments) {
  std::size_t next = 0;
  while (!format.empty()) {
    const std::size_t brace = std::min(format.find_first_of("{}"), format.size());
    if (brace > 0) write(context, format.substr(0, brace));
    format.remove_prefix(brace);
    if (format.empty()) return;
    if (format.size() > 1 && format[1] == format[0]) {  // {{ or }}
      write(context, format.substr(0, 1));
      format.remove_prefix(2);
      continue;
    }
    format.remove_prefix(1);
    const std::size_t end = std::min(format.find('}'), format.size());
    if (next < arguments.size()) {
      write_argument(write, context, arguments[next++], parse_form({format.data(), end}));
    }
    format.remove_prefix(std::min(end + 1, format.size()));
  }
}

std::string_view format_into(std::span<char> buffer, std::string_view format,
                             std::span<const Argument> arguments) {
  struct Target {
    std::span<char> buffer;
    std::size_t used;
  } target{buffer, 0};
  const Write write = [](void* context, std::string_view piece) {
    auto& into = *static_cast<Target*>(context);
    piece = piece.substr(0, into.buffer.size() - into.used);
    std::copy(piece.begin(), piece.end(), into.buffer.begin() + into.used);
    into.used += piece.size();
  };
  format_pieces(write, &target, format, arguments);
  return {buffer.data(), target.used};
}

}  // namespace kmapper::kernel
