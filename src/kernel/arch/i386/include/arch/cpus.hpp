// The machine's CPUs.
#pragma once

#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Starts all CPUs that the firmware lists, as many as come, up to kMaxCpus in all. Each becomes an
/// idle thread. `page` is a page frame below 1 MiB that is nobody's: CPUs start in it. Those that
/// do not come are reported, and done without. Whether all have come; else one may still come, and
/// `page` must stay as it is for good. Once, at boot, on CPU 0 with interrupts disabled, after
/// clock_init().
[[nodiscard]] bool start_cpus(Pfn page);

/// How many run.
[[nodiscard]] std::uint32_t cpu_count();

/// Interrupts another CPU. Interrupts must be disabled here.
void interrupt_cpu(CpuNumber cpu, Interrupt interrupt);
/// The same by an NMI, which is taken whatever the other CPU does.
void stop_cpu(CpuNumber cpu);

}  // namespace kmapper::kernel
