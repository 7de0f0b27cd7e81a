// This CPU's local APIC: its timer, and the interrupts that CPUs send each other (SDM 3A chapter
// 10), in xAPIC or x2APIC mode, as the firmware has left the first CPU.
#pragma once

#include <cstdint>

#include "arch/interrupts.hpp"
#include "kernel/firmware/apic_id.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Maps the registers. Panics if the CPU has no local APIC. Once, after paging_init().
void local_apic_map();
/// Lets this CPU take interrupts from its timer and from other CPUs. Each CPU, once, before all
/// that follows.
void local_apic_enable();
/// Lets this CPU also take the interrupts of the PC's old controllers (SDM 3A 10.5.1, ExtINT).
void local_apic_accept_pic();
[[nodiscard]] ApicId local_apic_id();
/// Called at the end of every interrupt except the software's.
void local_apic_end_of_interrupt();

/// The timer counts down once from its largest value, and raises no interrupt at the end.
void local_apic_timer_run_free();
/// How far the timer has counted.
[[nodiscard]] std::uint32_t local_apic_timer_counted();
/// Raises Interrupt::timer from now on, each time the timer has counted `counts`.
void local_apic_timer_repeat(std::uint32_t counts);

// Interprocessor interrupts (SDM 3A 10.6). Interrupts must be disabled.

void local_apic_send(ApicId to, Interrupt interrupt);
void local_apic_send_nmi(ApicId to);
/// Puts a CPU into the state in which it waits for a start-up IPI.
void local_apic_send_init(ApicId to);
/// Starts a CPU in real mode at the beginning of a page frame below 1 MiB.
void local_apic_send_start_up(ApicId to, Pfn page);

}  // namespace kmapper::kernel
