// A job's options on the command line.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// The number of `key`, or `otherwise` if the key is missing. Panics unless the value is a number
/// from `least` to `most`: a job must not run with another setting than the user's.
[[nodiscard]] std::uint32_t number_option(const BootInfo& boot, std::string_view key,
                                          std::uint32_t otherwise, std::uint32_t least,
                                          std::uint32_t most);

}  // namespace kmapper::kernel
