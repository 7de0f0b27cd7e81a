// The console: the serial line, and the screen where there is one.
#include "kernel/drivers/screen.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {

void console_write(const char* text, std::size_t size) {
  serial_write(text, size);
  screen_write(text, size);
}

}  // namespace kmapper::kernel
