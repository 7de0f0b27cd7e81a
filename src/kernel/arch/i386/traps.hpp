// Interrupts and exceptions, from the vector to the C++ that answers it.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// What traps.S leaves on the stack of the thread that was interrupted. Only where that was in ring
/// 3 has the CPU pushed a stack pointer, and a stack segment; in ring 0 the interrupted stack
/// pointer is the address behind eflags.
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
/// Makes this CPU use them. Each CPU; segments_init() before.
void traps_load();

/// Answers an exception. Where the kernel copied to or from a process, the copy ends early. Else
/// reports it, and ends the process or the thread that caused it, or the machine where nobody can
/// be blamed: in an interrupt handler, at boot, or for an NMI or machine check.
void handle_exception(TrapFrame& frame);

/// The same on the double-fault task. Returns when the machine can go on: the interrupted task
/// state then leads to the end of the thread.
extern "C" void handle_double_fault();

}  // namespace kmapper::kernel
