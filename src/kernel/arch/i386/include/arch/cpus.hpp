// The machine's CPUs.
#pragma once

#include <cstdint>

#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "kernel/mm/address.hpp"

namespace kmapper::kernel {

/// Starts all CPUs that the firmware lists, up to kMaxCpus in all. Each becomes an idle thread.
/// CPUs start in `page`, an unused page frame below 1 MiB. CPUs that do not start are reported, and
/// the machine runs without them. Returns whether all have started; if not, one may still start
/// later, and `page` must never be changed. Once, at boot, on CPU 0 with interrupts disabled, after
/// clock_init().
[[nodiscard]] bool start_cpus(Pfn page);

/// How many CPUs run.
[[nodiscard]] std::uint32_t cpu_count();

/// Interrupts another CPU. Interrupts must be disabled here.
void interrupt_cpu(CpuNumber cpu, Interrupt interrupt);
/// The same by an NMI, which the other CPU takes in any state.
void stop_cpu(CpuNumber cpu);

}  // namespace kmapper::kernel
