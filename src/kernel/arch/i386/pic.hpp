// The two 8259A interrupt controllers of a PC. This kernel takes its interrupts from the local
// APICs. Of these two controllers it uses one line, on demand, and masks the others.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

inline constexpr std::uint32_t kPicFirstVector = 0x20;
inline constexpr std::uint32_t kPicLines = 16;

/// Masks every line, and moves the vectors away from the exceptions, in case an interrupt comes all
/// the same. Once.
void pic_silence();
/// Unmasks a line, 0 to 7, of the first controller. Interrupts must be disabled.
void pic_unmask(std::uint32_t line);
/// Called at the end of an interrupt of the first controller.
void pic_end_of_interrupt();
/// Whether the first controller's interrupt on line 7 is spurious: the request went away before the
/// CPU took it. A spurious interrupt needs no end of interrupt.
[[nodiscard]] bool pic_is_spurious();

}  // namespace kmapper::kernel
