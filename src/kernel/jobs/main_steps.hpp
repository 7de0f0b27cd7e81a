// The steps of job=run, in their order. Each prints what it does.
#pragma once

#include <cstdint>

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"
#include "kernel/user/files.hpp"

namespace kmapper::kernel {

/// Prints the layout of the address space, and how much memory there is.
void print_address_space(const BootInfo& boot);

/// Makes each CPU run a thread.
Outcome call_the_roll();

/// Copies a boot module into high memory through the window, page by page, and gives each page of
/// the loader's copy back. The file becomes the next one in `files`.
Outcome store_file(const BootModule& module, FileStore& files);

/// Lets a process print a file's SHA-256, from the file's pages in high memory, which are mapped
/// into the process.
Outcome hash_file(std::uint32_t index);

/// Writes the page's number and a pattern into every free page of high memory, or every `sample`th,
/// and reads all of them back.
Outcome fill_high_memory(std::uint32_t sample);

/// Lets processes on all CPUs take all memory that processes may have, at once; if `sample` is not
/// 1, the `sample`th part of it. Each process writes a pattern of its own and checks it. All of the
/// memory comes back.
Outcome fill_by_processes(std::uint32_t sample);

/// Fills the vmap range with areas of vmalloc, as far as there is memory, writes each page's number
/// into it, reads all of them back, and frees all.
Outcome fill_by_vmalloc();

/// Lets more threads than there are slots map a page each at once. Each of them gets a slot in the
/// end.
Outcome crowd_the_window();

/// Prints what the window has done since boot.
void print_statistics();

}  // namespace kmapper::kernel
