// Ring 3: how a CPU enters it, which stack a trap uses, and how the kernel accesses a process's
// memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Sets the stack for traps from ring 3 on this CPU. Interrupts must be disabled.
void set_trap_stack(void* top);

/// Continues in ring 3, at `entry`, with the flat segments of ring 3 and two values in registers:
/// the first two arguments of a function. The contents of the kernel's stack are abandoned.
extern "C" [[noreturn]] void enter_user_mode(std::uint32_t entry, std::uint32_t stack,
                                             std::uint32_t first, std::uint32_t second);

/// Copies between the kernel and the running process, whose addresses must lie below the kernel;
/// the only way to access these if the CPU has SMAP. Returns how many bytes were not copied,
/// because the process has nothing there, or must not write there. It sleeps only if the caller may
/// sleep. Any context in which the process's address space is loaded.
[[nodiscard]] std::size_t copy_with_user(void* to, const void* from, std::size_t size);

/// Where to continue if the instruction at `eip` faults at `address`, or 0. Only copy_with_user()
/// has such a place, and only for addresses below the kernel. Any context.
[[nodiscard]] std::uint32_t find_fixup(std::uint32_t eip, VirtAddr address);

/// The CPU's protections of user pages that are on.
struct UserProtections {
  bool smep, smap;
};
[[nodiscard]] UserProtections user_protections();

}  // namespace kmapper::kernel
