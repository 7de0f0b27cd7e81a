#include "kernel/drivers/serial.hpp"

#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/io.hpp"

namespace kmapper::kernel {
namespace {

// Offsets from the UART's base port (16550 data sheet, "register descriptions").
constexpr std::uint16_t kBase = 0x3F8;
constexpr Port kData{kBase};
constexpr Port kInterruptEnable{kBase + 1};
constexpr Port kFifoControl{kBase + 2};
constexpr Port kLineControl{kBase + 3};
constexpr Port kModemControl{kBase + 4};
constexpr Port kLineStatus{kBase + 5};
constexpr std::uint8_t kTransmitterEmpty = 0x20;

void write_byte(char byte) {
  while ((in8(kLineStatus) & kTransmitterEmpty) == 0) pause();
  out8(kData, static_cast<std::uint8_t>(byte));
}

}  // namespace

void serial_init() {
  out8(kInterruptEnable, 0);
  out8(kLineControl, 0x80);  // the next two writes set the divisor
  out8(kData, 1);            // 115,200 baud
  out8(kInterruptEnable, 0);
  out8(kLineControl, 0x03);   // 8 data bits, no parity, one stop bit
  out8(kFifoControl, 0x07);   // on, and emptied
  out8(kModemControl, 0x03);  // DTR, RTS
}

void serial_write(const char* text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (text[i] == '\n') write_byte('\r');
    write_byte(text[i]);
  }
}

}  // namespace kmapper::kernel
