// Interrupts and their handlers.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// All interrupts, by their vectors. If two are pending, the higher vector comes first.
enum class Interrupt : std::uint8_t {
  serial = 0x24,      // COM1 has received something; on CPU 0
  software = 0x30,    // raised by an INT instruction: this CPU acts as a device
  timer = 0x40,       // this CPU's tick
  reschedule = 0x50,  // another CPU has work for this one
  answered = 0x60,    // all CPUs have dropped the translations that this CPU asked them to drop
  shootdown = 0x70,   // another CPU wants translations dropped
};

/// Runs with interrupts disabled, on the interrupted thread's stack; must not sleep.
using InterruptHandler = void (*)();

/// Sets the handler, on all CPUs. Before the first such interrupt.
void set_interrupt_handler(Interrupt interrupt, InterruptHandler handler);

/// Enables COM1's interrupt, on CPU 0. Once, on that CPU.
void enable_serial_interrupt();

/// Raises Interrupt::software on this CPU; returns when its handler does.
inline void raise_software_interrupt() {
  asm volatile("int %0" ::"i"(static_cast<int>(Interrupt::software)) : "memory");
}

}  // namespace kmapper::kernel
