// Where every program begins.
#include "kernel/lib/command_line.hpp"
#include "kernel/user/programs/system.hpp"

namespace kmapper::program {
namespace {

std::uint32_t not_a_number(std::string_view word) {
  say("{}: not a number\n", word);
  exit(2);
}

std::uint32_t parse_hexadecimal(std::string_view word) {
  std::uint32_t number = 0;
  std::string_view digits = word;
  digits.remove_prefix(2);  // 0x
  for (const char c : digits) {
    const bool is_letter = c >= 'a' && c <= 'f';
    if ((!is_letter && (c < '0' || c > '9')) || number >> 28 != 0) return not_a_number(word);
    number = number << 4 | static_cast<std::uint32_t>(is_letter ? c - 'a' + 10 : c - '0');
  }
  return number;
}

}  // namespace

std::string_view next_word(std::string_view& arguments) {
  while (arguments.starts_with(' ')) arguments.remove_prefix(1);
  const std::string_view word = arguments.substr(0, arguments.find(' '));
  arguments.remove_prefix(word.size());
  return word;
}

std::uint32_t next_number(std::string_view& arguments, std::uint32_t otherwise) {
  const std::string_view word = next_word(arguments);
  if (word.empty()) return otherwise;
  if (word.starts_with("0x")) return parse_hexadecimal(word);
  const auto number = kernel::parse_number(word);
  return number ? *number : not_a_number(word);
}

extern "C" [[noreturn]] void start(const char* arguments, std::size_t size) {
  exit(run({arguments, size}));
}

}  // namespace kmapper::program
