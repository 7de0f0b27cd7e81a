// What an address is to a process: for reports of what it did there.
#pragma once

#include <span>
#include <string_view>

#include "kernel/user/address_space.hpp"

namespace kmapper::kernel {

/// What lies there, and why the process may not do everything with it. Written into `buffer`. In
/// the process's own thread; any context.
[[nodiscard]] std::string_view describe_user_address(std::span<char> buffer,
                                                     const AddressSpace& space, VirtAddr address);

}  // namespace kmapper::kernel
