// 8259A data sheet: the initialisation words ICW1 to ICW4, and the operation words OCW1 (mask),
// OCW2 (end of interrupt) and OCW3 (read the in-service register).
#include "pic.hpp"

#include "arch/io.hpp"

namespace kmapper::kernel {
namespace {

constexpr Port kMasterCommand{0x20};
constexpr Port kMasterData{0x21};
constexpr Port kSlaveCommand{0xA0};
constexpr Port kSlaveData{0xA1};
constexpr std::uint32_t kCascade = 2;  // the master's line to which the slave is connected
constexpr std::uint8_t kFirstVector = kPicFirstVector;

}  // namespace

void pic_silence() {
  out8(kMasterCommand, 0x11);  // ICW1: edge-triggered, cascaded, ICW4 follows
  out8(kSlaveCommand, 0x11);
  out8(kMasterData, kFirstVector);  // ICW2
  out8(kSlaveData, kFirstVector + 8);
  out8(kMasterData, 1U << kCascade);  // ICW3
  out8(kSlaveData, kCascade);
  out8(kMasterData, 0x01);  // ICW4: 8086 mode
  out8(kSlaveData, 0x01);
  out8(kMasterData, 0xFF);  // OCW1
  out8(kSlaveData, 0xFF);
}

void pic_unmask(std::uint32_t line) {
  out8(kMasterData, static_cast<std::uint8_t>(in8(kMasterData) & ~(1U << line)));
}

void pic_end_of_interrupt() { out8(kMasterCommand, 0x20); }

bool pic_is_spurious() {
  constexpr std::uint8_t kReadInService = 0x0B;
  out8(kMasterCommand, kReadInService);
  return (in8(kMasterCommand) & 0x80) == 0;
}

}  // namespace kmapper::kernel
