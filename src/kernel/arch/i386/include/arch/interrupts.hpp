// Who answers a device's interrupt.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// Runs with interrupts disabled, on the stack of whoever was interrupted; must not sleep.
using InterruptHandler = void (*)();

/// Sets the handler of line 0 to 15 and unmasks the line. At boot.
void set_interrupt_handler(std::uint32_t line, InterruptHandler handler);

}  // namespace kmapper::kernel
