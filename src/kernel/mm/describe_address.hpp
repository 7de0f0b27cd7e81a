// What lies at an address: for fault reports.
#pragma once

#include <span>
#include <string_view>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// The region of the address and its meaning there: the page frame, the thread that owns the stack,
/// the slot and the page that the slot maps. Written into `buffer`. Any context.
[[nodiscard]] std::string_view describe_address(std::span<char> buffer, VirtAddr address);

}  // namespace kmapper::kernel
