// The system calls of abi.hpp.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

struct SyscallArguments {
  std::uint32_t first, second, third, fourth;
};

/// Answers a system call of the running process. No argument is trusted. Interrupts must be
/// enabled.
[[nodiscard]] std::uint32_t syscall(std::uint32_t number, const SyscallArguments& arguments);

}  // namespace kmapper::kernel
