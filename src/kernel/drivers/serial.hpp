// COM1, a 16550 UART: the machine's console. Output only, polled, so that it works in any context,
// panics and double faults included.
#pragma once

#include <cstddef>

namespace kmapper::kernel {

/// Sets COM1 to 115,200 baud, 8 bits, no parity. Once, at boot, before the first output.
void serial_init();

/// Sends the text, lines ended as terminals want it. Any context; writers come one by one
/// (ConsoleHeld).
void serial_write(const char* text, std::size_t size);

}  // namespace kmapper::kernel
