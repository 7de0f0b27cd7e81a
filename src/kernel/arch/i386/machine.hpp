// The setup of one CPU.
#pragma once

#include <cstdint>

namespace kmapper::kernel {

/// Sets up a CPU other than the first: segments, per-CPU data, interrupt vectors, the CPU's
/// protections and its local APIC. Interrupts stay disabled.
void machine_init_cpu(std::uint32_t cpu);

/// Halts this CPU if another CPU has called stop_other_cpus(). An NMI calls it.
void stop_if_asked();

}  // namespace kmapper::kernel
