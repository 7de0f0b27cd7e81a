// COM1, a 16550 UART: the machine's console. Output is polled, so that it works in any context,
// even in panics and double faults. Input comes by interrupt, once serial_start_input() is called.
#pragma once

#include <cstddef>

namespace kmapper::kernel {

/// Sets COM1 to 115,200 baud, 8 bits, no parity. Once, at boot, before the first output.
void serial_init();

/// Sends the text, with line ends as terminals expect them. Any context. The callers take turns
/// (ConsoleHeld).
void serial_write(const char* text, std::size_t size);

/// Keeps what arrives from now on; nothing is lost if the sender waits while the UART is full.
/// Once. Needs a context that may sleep.
void serial_start_input();
/// The next character; sleeps until there is one. By one thread at a time.
[[nodiscard]] char serial_read();

}  // namespace kmapper::kernel
