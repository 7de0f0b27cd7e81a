// What the command line says to a job.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// The number of `key`, or `otherwise` where there is none. Panics on what is no number from
/// `least` to `most`: a job must not run with another setting than it was asked for.
[[nodiscard]] std::uint32_t number_option(const BootInfo& boot, std::string_view key,
                                          std::uint32_t otherwise, std::uint32_t least,
                                          std::uint32_t most);

}  // namespace kmapper::kernel
