#include "kernel/drivers/serial.hpp"

#include <array>
#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "arch/io.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread.hpp"

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
constexpr std::uint8_t kReceived = 0x01;
constexpr std::uint8_t kTransmitterEmpty = 0x20;
constexpr std::uint8_t kInterruptWhenReceived = 0x01;

// A byte takes 87 us. A UART that is not ready after a hundred times as long is never ready: its
// bytes are dropped, and the machine goes on.
constinit bool is_stuck = false;

void write_byte(char byte) {
  constexpr int kTurns = 10'000;  // of at least a microsecond, the time of a port read
  int turns = 0;
  while (!is_stuck && (in8(kLineStatus) & kTransmitterEmpty) == 0) {
    pause();
    is_stuck = ++turns == kTurns;
  }
  out8(kData, static_cast<std::uint8_t>(byte));
}

// What has been received and not read yet. When it is full, the UART keeps the rest, and does not
// interrupt any more.
class Input {
 public:
  // Called in the interrupt.
  void receive() {
    const Locked guard(lock_);
    while (size_ < characters_.size() && (in8(kLineStatus) & kReceived) != 0) {
      characters_[(begin_ + size_++) % characters_.size()] = static_cast<char>(in8(kData));
    }
    if (size_ == characters_.size()) out8(kInterruptEnable, 0);
    if (size_ > 0 && reader_ != nullptr) scheduler.wake(*reader_);
  }

  char read() {
    const Locked guard(lock_);
    reader_ = this_cpu::current();
    while (size_ == 0) scheduler.sleep(lock_);
    reader_ = nullptr;
    const char character = characters_[begin_];
    begin_ = (begin_ + 1) % characters_.size();
    if (size_-- == characters_.size()) out8(kInterruptEnable, kInterruptWhenReceived);
    return character;
  }

 private:
  Spinlock lock_{};
  std::array<char, 256> characters_{};
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
  Thread* reader_ = nullptr;  // sleeps until something is received
};
constinit Input input;

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

void serial_start_input() {
  constexpr std::uint8_t kConnectInterrupt = 0x0B;  // OUT2 of a PC's UART, beside DTR and RTS
  set_interrupt_handler(Interrupt::serial, [] { input.receive(); });
  thread_move_to(CpuNumber{0});
  enable_serial_interrupt();
  thread_roam();
  out8(kModemControl, kConnectInterrupt);
  out8(kInterruptEnable, kInterruptWhenReceived);
}

char serial_read() { return input.read(); }

void serial_write(const char* text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (text[i] == '\n') write_byte('\r');
    write_byte(text[i]);
  }
}

}  // namespace kmapper::kernel
