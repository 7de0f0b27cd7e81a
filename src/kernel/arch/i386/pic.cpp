// 8259A data sheet: the initialisation words ICW1 to ICW4, and the operation words OCW1 (mask),
// OCW2 (end of interrupt), OCW3 (read the in-service register).
#include "pic.hpp"

#include "arch/io.hpp"
#include "traps.hpp"

namespace kmapper::kernel {
namespace {

constexpr Port kMasterCommand{0x20};
constexpr Port kMasterData{0x21};
constexpr Port kSlaveCommand{0xA0};
constexpr Port kSlaveData{0xA1};
constexpr std::uint32_t kCascade = 2;  // the master's line that the slave sits on
constexpr std::uint8_t kEndOfInterrupt = 0x20;
constexpr std::uint8_t kReadInService = 0x0B;

}  // namespace

void pic_init() {
  out8(kMasterCommand, 0x11);  // ICW1: edge-triggered, cascaded, ICW4 follows
  out8(kSlaveCommand, 0x11);
  out8(kMasterData, kFirstIrqVector);  // ICW2
  out8(kSlaveData, kFirstIrqVector + 8);
  out8(kMasterData, 1U << kCascade);  // ICW3
  out8(kSlaveData, kCascade);
  out8(kMasterData, 0x01);  // ICW4: 8086 mode
  out8(kSlaveData, 0x01);
  out8(kMasterData, static_cast<std::uint8_t>(~(1U << kCascade)));
  out8(kSlaveData, 0xFF);
}

void pic_unmask(std::uint32_t line) {
  const Port port = line < 8 ? kMasterData : kSlaveData;
  out8(port, static_cast<std::uint8_t>(in8(port) & ~(1U << (line % 8))));
}

bool pic_is_spurious(std::uint32_t line) {
  if (line % 8 != 7) return false;
  const Port command = line < 8 ? kMasterCommand : kSlaveCommand;
  out8(command, kReadInService);
  if ((in8(command) & 0x80) != 0) return false;
  if (line >= 8) out8(kMasterCommand, kEndOfInterrupt);  // the cascade's request was real
  return true;
}

void pic_end_of_interrupt(std::uint32_t line) {
  if (line >= 8) out8(kSlaveCommand, kEndOfInterrupt);
  out8(kMasterCommand, kEndOfInterrupt);
}

}  // namespace kmapper::kernel
