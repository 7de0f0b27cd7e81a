// The command line's words for the firmware, like "cpus=0,1,x2": their values are lists.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/lib/command_line.hpp"

namespace kmapper::firmware {

inline constinit std::string_view command_line{};

[[nodiscard]] inline std::string_view word(std::string_view key) {
  return kernel::find_word(command_line, key);
}

/// Calls visit(item) for each of "item,item,item".
template <class Visit>
void for_each_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    visit(list.substr(0, end));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

/// Reads a hexadecimal number, up to the first character that is not a digit.
[[nodiscard]] inline std::uint32_t hexadecimal(std::string_view text) {
  std::uint32_t number = 0;
  for (const char digit : text) {
    if (digit >= '0' && digit <= '9') {
      number = number * 16 + static_cast<std::uint32_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      number = number * 16 + static_cast<std::uint32_t>(digit - 'a') + 10;
    } else {
      break;
    }
  }
  return number;
}

}  // namespace kmapper::firmware
