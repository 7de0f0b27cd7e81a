// The machine's CPUs.
#pragma once

#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Starts all CPUs that the firmware lists, up to kMaxCpus, one after the other. Each becomes an
/// idle thread. `page` is a page frame below 1 MiB that is nobody's: CPUs start in it. One that
/// does not answer is reported, and done without. Once, at boot, on CPU 0 with interrupts disabled,
/// after clock_init().
void start_cpus(Pfn page);

/// How many run.
[[nodiscard]] std::uint32_t cpu_count();

/// Interrupts another CPU. Interrupts must be disabled here.
void interrupt_cpu(CpuNumber cpu, Interrupt interrupt);
/// The same by an NMI, which is taken whatever the other CPU does.
void stop_cpu(CpuNumber cpu);

}  // namespace kmapper::kernel
