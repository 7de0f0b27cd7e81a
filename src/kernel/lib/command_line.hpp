// The words of a kernel command line: "job=run slots=512".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kmapper::kernel {

/// The value of `key`: "512" for key "slots" in "job=run slots=512". Words are separated by blanks.
/// If the key occurs more than once, the last one counts. Empty if there is no such word, or no
/// value.
[[nodiscard]] std::string_view find_word(std::string_view line, std::string_view key);

/// A decimal number that fits 32 bits, or nothing.
[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text);

}  // namespace kmapper::kernel
