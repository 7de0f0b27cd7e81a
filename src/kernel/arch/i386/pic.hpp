// The two 8259A interrupt controllers of a PC. This kernel takes its interrupts from the local
// APICs; of these two it uses one line, on demand, and keeps the others silent.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::uint32_t kPicFirstVector = 0x20;
inline constexpr std::uint32_t kPicLines = 16;

/// Masks every line, and moves the vectors away from the exceptions, in case one fires all the
/// same. Once.
void pic_silence();
/// Lets a line of the first controller, 0 to 7, interrupt. Interrupts must be disabled.
void pic_unmask(std::uint32_t line);
/// At the end of an interrupt of the first controller.
void pic_end_of_interrupt();
/// Whether the first controller is at line 7 for no reason: a request went away before it was
/// taken. Such an interrupt has no end.
[[nodiscard]] bool pic_is_spurious();

}  // namespace kmapper::kernel
