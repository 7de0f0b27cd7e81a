// Interrupts and exceptions, from the vector to their C++ handlers.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// What traps.S leaves on the interrupted thread's stack. Only if the thread was in ring 3, the CPU
/// has also pushed a stack pointer and a stack segment; in ring 0 the interrupted stack pointer is
/// the address behind eflags.
struct TrapFrame {
  std::uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;  // by PUSHA
  std::uint32_t vector, error;
  std::uint32_t eip, cs, eflags;

  [[nodiscard]] bool is_of_user() const { return (cs & 3) != 0; }
  [[nodiscard]] std::uint32_t esp() const {
    if (is_of_user()) return *reinterpret_cast<const std::uint32_t*>(this + 1);
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(this + 1));
  }
};
static_assert(sizeof(TrapFrame) == 52);

inline constexpr std::uint32_t kExceptions = 32;
inline constexpr std::uint32_t kSyscallVector = 0x80;
inline constexpr std::uint32_t kSpuriousVector = 0xFF;

enum class Exception : std::uint8_t {
  nmi = 2,
  breakpoint = 3,
  overflow = 4,
  double_fault = 8,
  general_protection = 13,
  page_fault = 14,
  machine_check = 18
};

/// Fills the interrupt vectors. Once; segments_init() before. Interrupts stay disabled.
void traps_init();
/// Makes this CPU use the vectors. Each CPU; segments_init() before.
void traps_load();

/// Handles an exception. If the kernel was copying to or from a process, the copy ends early.
/// Otherwise reports it, and ends the process or the thread that caused it. Ends the machine if
/// neither caused it: in an interrupt handler, at boot, or for an NMI or machine check.
void handle_exception(TrapFrame& frame);

/// The same on the double-fault task. Returns if the machine can continue: the interrupted task
/// state then leads to the end of the thread.
extern "C" void handle_double_fault();

}  // namespace kmapper::kernel
