// A process's part of the address space, and the type of its addresses. The kernel dereferences
// them only in copy_from_user() and copy_to_user().
//
//   0x00000000  never mapped: null pointers
//   0x00010000  the program
//   0x10000000  what the process maps: pages, and files
//   0xBF000000  guard, never mapped
//   0xBFFE0000  the stack, 64 KiB
//   0xBFFF0000  guard, never mapped, up to the kernel at 0xC0000000
#pragma once

#include <cstdint>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

enum class UserAddr : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t to_number(UserAddr address) {
  return static_cast<std::uint32_t>(address);
}
[[nodiscard]] constexpr UserAddr operator+(UserAddr address, std::uint32_t bytes) {
  return UserAddr{to_number(address) + bytes};
}
[[nodiscard]] constexpr std::uint32_t operator-(UserAddr end, UserAddr begin) {
  return to_number(end) - to_number(begin);
}

inline constexpr UserAddr kProgramBegin{0x00010000};
inline constexpr UserAddr kProgramEnd{0x10000000};
inline constexpr UserAddr kMapBegin{0x10000000};
inline constexpr UserAddr kMapEnd{0xBF000000};
inline constexpr UserAddr kStackBegin{0xBFFE0000};
inline constexpr UserAddr kStackEnd{0xBFFF0000};
inline constexpr UserAddr kUserEnd{0xC0000000};

/// Whether all bytes lie below the kernel: the first check of any address from a process. It does
/// not tell whether anything is mapped there.
[[nodiscard]] constexpr bool is_user_range(UserAddr begin, std::uint32_t size) {
  return to_number(begin) <= to_number(kUserEnd) && size <= kUserEnd - begin;
}

}  // namespace kmapper::kernel
