// Copies between the kernel and the running process. Any address is allowed: a copy of memory that
// is not the process's, or that it must not write, is refused or ends early, and no thread dies.
#pragma once

#include <cstddef>

#include "kernel/user/user_addr.hpp"

namespace kmapper::kernel {

/// True if all bytes were copied. In a process's thread; any number of bytes.
[[nodiscard]] bool copy_from_user(void* to, UserAddr from, std::size_t size);
[[nodiscard]] bool copy_to_user(UserAddr to, const void* from, std::size_t size);

}  // namespace kmapper::kernel
