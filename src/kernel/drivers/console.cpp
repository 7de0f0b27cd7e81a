// The console: the serial line, and the screen if there is one.
#include "kernel/lib/console.hpp"
#include "kernel/drivers/screen.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {

namespace {

constinit bool is_writing = false;  // guarded by the console

}  // namespace

void console_write(const char* text, std::size_t size) {
  is_writing = true;
  serial_write(text, size);
  screen_write(text, size);
  is_writing = false;
}

bool console_has_faulted() { return is_writing && ConsoleHeld::is_held_here(); }

}  // namespace kmapper::kernel
