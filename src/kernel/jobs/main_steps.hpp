// The steps of job=run, in their order. Each prints what it does.
#pragma once

#include <cstdint>

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"
#include "kernel/mm/block_list.hpp"

namespace kmapper::kernel {

/// What lies where in the address space, and how much memory there is.
void print_address_space(const BootInfo& boot);

/// Copies a boot module into high memory through the window, page by page, gives each page of the
/// copy that the loader made back, and prints the file's SHA-256 as read from high memory. The
/// copy's pages go to `copy`.
Outcome store_file(const BootModule& module, std::uint32_t index, BlockList& copy);

/// Writes its number and a pattern into every page of high memory that is free, or every
/// `sample`th, and reads all of them back.
Outcome fill_high_memory(std::uint32_t sample);

/// Lets more threads than there are slots map a page each at once. All get their turn.
Outcome crowd_the_window();

/// What the window did since boot.
void print_statistics();

}  // namespace kmapper::kernel
