// The programs that come with the kernel: ELF files that are built from programs/ and lie in the
// image.
#pragma once

#include <span>
#include <string_view>

namespace kmapper::kernel {

struct Program {
  std::string_view name;
  std::string_view about;  // one line for the user: the arguments, and what it does
  const unsigned char* begin;
  const unsigned char* end;

  [[nodiscard]] std::span<const unsigned char> file() const { return {begin, end}; }
};

[[nodiscard]] std::span<const Program> programs();
/// Null: there is no program of that name.
[[nodiscard]] const Program* find_program(std::string_view name);

}  // namespace kmapper::kernel
