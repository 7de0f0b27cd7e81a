// The two 8259A interrupt controllers: 16 lines, moved to vectors 32 to 47, away from the
// exceptions.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// Sets the vectors, and masks every line. Once.
void pic_init();
void pic_unmask(std::uint32_t line);
/// Lines 7 and 15 fire for no reason when a request vanishes before it is taken. True: there is
/// nothing to answer, and what had to be acknowledged has been.
[[nodiscard]] bool pic_is_spurious(std::uint32_t line);
void pic_end_of_interrupt(std::uint32_t line);

}  // namespace kmapper::kernel
