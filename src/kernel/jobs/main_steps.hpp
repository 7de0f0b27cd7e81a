// The steps of job=run, in their order. Each prints what it does.
#pragma once

#include <cstdint>

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"
#include "kernel/user/files.hpp"

namespace kmapper::kernel {

/// What lies where in the address space, and how much memory there is.
void print_address_space(const BootInfo& boot);

/// Has each CPU run a thread.
Outcome call_the_roll();

/// Copies a boot module into high memory through the window, page by page, gives each page of the
/// copy that the loader made back. The file is the next one in `files`.
Outcome store_file(const BootModule& module, FileStore& files);

/// Has a process print a file's SHA-256, from the file's pages in high memory, which are mapped
/// into the process.
Outcome hash_file(std::uint32_t index);

/// Writes its number and a pattern into every page of high memory that is free, or every
/// `sample`th, and reads all of them back.
Outcome fill_high_memory(std::uint32_t sample);

/// Lets processes on all CPUs take all memory that processes may have, at once; every `sample`th
/// page of it where that is not 1. Each writes a pattern of its own, and finds it again. All of it
/// comes back.
Outcome fill_by_processes(std::uint32_t sample);

/// Lets more threads than there are slots map a page each at once. All get their turn.
Outcome crowd_the_window();

/// What the window did since boot.
void print_statistics();

}  // namespace kmapper::kernel
