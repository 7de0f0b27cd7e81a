// What each CPU sets up for itself.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// Segments, per-CPU data, interrupt vectors, the CPU's protections and its local APIC, for a CPU
/// other than the first. Interrupts stay disabled.
void machine_init_cpu(std::uint32_t cpu);

/// Halts this CPU if another has called stop_other_cpus(): what an NMI means here.
void stop_if_asked();

}  // namespace kmapper::kernel
