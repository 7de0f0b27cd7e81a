// Ring 3: how a CPU gets there, where it lands when it traps, and how the kernel touches what lies
// there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Where this CPU's stack begins when code in ring 3 is interrupted. Interrupts must be disabled.
void set_trap_stack(void* top);

/// Goes on in ring 3, at `entry`, with the flat segments of ring 3 and two values in registers: the
/// first two arguments of a function. What was on the kernel's stack is given up.
extern "C" [[noreturn]] void enter_user_mode(std::uint32_t entry, std::uint32_t stack,
                                             std::uint32_t first, std::uint32_t second);

/// Copies between the kernel and the running process, whose addresses must lie below the kernel;
/// the only way to touch these where the CPU has SMAP. Returns how many bytes were not copied,
/// because the process has nothing there, or must not write there. May sleep no more than the
/// caller may; any context in which the process's address space is loaded.
[[nodiscard]] std::size_t copy_with_user(void* to, const void* from, std::size_t size);

/// Where to go on when the instruction at `eip` faults at `address`, or 0: only copy_with_user()
/// has an answer, and only below the kernel. Any context.
[[nodiscard]] std::uint32_t find_fixup(std::uint32_t eip, VirtAddr address);

/// Which of the CPU's protections of user pages are on.
struct UserProtections {
  bool smep, smap;
};
[[nodiscard]] UserProtections user_protections();

}  // namespace kmapper::kernel
