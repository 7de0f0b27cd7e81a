#include "kernel/jobs/options.hpp"

#include <optional>

#include "kernel/lib/command_line.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {

std::uint32_t number_option(const BootInfo& boot, std::string_view key, std::uint32_t otherwise,
                            std::uint32_t least, std::uint32_t most) {
  const std::string_view text = find_word(boot.command_line, key);
  if (text.empty()) return otherwise;
  const std::optional<std::uint32_t> number = parse_number(text);
  if (!number || *number < least || *number > most) {
    panic("{}={}: a number from {} to {} is needed", key, text, least, most);
  }
  return *number;
}

}  // namespace kmapper::kernel
