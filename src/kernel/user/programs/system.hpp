// The kernel's calls, as a program sees them. Errors are UserErrors, in the answer: error_of().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kernel/lib/format.hpp"
#include "kernel/user/abi.hpp"

namespace kmapper::program {

using kernel::Syscall;
using kernel::UserError;

/// Any call, whatever its number.
inline std::uint32_t call(std::uint32_t number, std::uint32_t first = 0, std::uint32_t second = 0,
                          std::uint32_t third = 0, std::uint32_t fourth = 0) {
  std::uint32_t answer = number;
  asm volatile("int $0x80"
               : "+a"(answer)
               : "d"(first), "c"(second), "b"(third), "S"(fourth)
               : "memory", "cc");
  return answer;
}
inline std::uint32_t call(Syscall what, std::uint32_t first = 0, std::uint32_t second = 0,
                          std::uint32_t third = 0, std::uint32_t fourth = 0) {
  return call(static_cast<std::uint32_t>(what), first, second, third, fourth);
}

[[nodiscard]] inline std::uint32_t address_of(const volatile void* pointer) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(pointer));
}
template <class T>
[[nodiscard]] T* at(std::uint32_t address) {
  return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
}

[[noreturn]] inline void exit(std::uint32_t code) {
  call(Syscall::exit, code);
  __builtin_unreachable();
}

/// Writes a line, or less, in one piece.
template <class... T>
void say(kernel::Format<std::type_identity_t<T>...> format, const T&... values) {
  std::array<char, 256> buffer;
  const std::string_view text = kernel::format_to(buffer, format, values...);
  call(Syscall::write, address_of(text.data()), static_cast<std::uint32_t>(text.size()));
}

/// Takes the next word out of the arguments; empty when there is none.
[[nodiscard]] std::string_view next_word(std::string_view& arguments);
/// The same as a number, decimal or 0x...; `otherwise` when there is no word. A word that is no
/// number ends the program, with a line that says so.
[[nodiscard]] std::uint32_t next_number(std::string_view& arguments, std::uint32_t otherwise);

/// What a program is: returns the code that it exits with.
std::uint32_t run(std::string_view arguments);

}  // namespace kmapper::program
