// What a program may ask the kernel for: abi.hpp's calls.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

struct SyscallArguments {
  std::uint32_t first, second, third, fourth;
};

/// Answers a system call of the running process. Whatever the numbers are: nothing of them is
/// believed. Interrupts must be enabled.
[[nodiscard]] std::uint32_t syscall(std::uint32_t number, const SyscallArguments& arguments);

}  // namespace kmapper::kernel
