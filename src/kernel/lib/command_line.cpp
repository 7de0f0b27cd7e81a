#include "kernel/lib/command_line.hpp"

#include <algorithm>

namespace kmapper::kernel {

std::string_view find_word(std::string_view line, std::string_view key) {
  std::string_view value;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t\r\n"), line.size());
    std::string_view word = line.substr(0, end);
    if (word.size() > key.size() && word.starts_with(key) && word[key.size()] == '=') {
      word.remove_prefix(key.size() + 1);
      value = word;
    }
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return value;
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    if (number > UINT32_MAX) return std::nullopt;
  }
  return static_cast<std::uint32_t>(number);
}

}  // namespace kmapper::kernel
