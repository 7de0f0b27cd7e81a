// Describes an address from a process's view, for reports of its faults.
#pragma once

#include <span>
#include <string_view>

#include "kernel/user/address_space.hpp"

namespace kmapper::kernel {

/// What lies at the address, and how the process may access it. Written into `buffer`. In the
/// process's own thread; any context.
[[nodiscard]] std::string_view describe_user_address(std::span<char> buffer,
                                                     const AddressSpace& space, VirtAddr address);

}  // namespace kmapper::kernel
