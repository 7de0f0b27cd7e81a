// COM1, a 16550 UART: the machine's console. Output only, polled, so that it works in any context,
// panics and double faults included. It is what console_write() of print.hpp writes to.
#pragma once

namespace kmapper::kernel {

/// Sets COM1 to 115,200 baud, 8 bits, no parity. Once, at boot, before the first output.
void serial_init();

}  // namespace kmapper::kernel
