// System calls for programs. An error is a UserError, in the answer: error_of().
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

/// Any call, with any number.
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

/// Writes a line, or a part of one, in one piece.
template <class... T>
void say(kernel::Format<std::type_identity_t<T>...> format, const T&... values) {
  std::array<char, 256> buffer;
  const std::string_view text = kernel::format_to(buffer, format, values...);
  call(Syscall::write, address_of(text.data()), static_cast<std::uint32_t>(text.size()));
}

/// Takes the next word out of the arguments; empty when there is none.
[[nodiscard]] std::string_view next_word(std::string_view& arguments);
/// The same as a number, decimal or 0x...; `otherwise` if there is no word. A word that is not a
/// number ends the program with a line that says so.
[[nodiscard]] std::uint32_t next_number(std::string_view& arguments, std::uint32_t otherwise);

/// The program: returns its exit code.
std::uint32_t run(std::string_view arguments);

}  // namespace kmapper::program
