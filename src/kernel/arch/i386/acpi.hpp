// What the firmware's ACPI tables tell about the machine: its CPUs.
#pragma once

#include "kernel/firmware/madt.hpp"

namespace kmapper::kernel {

/// All CPUs but this one that the firmware lists. Says what it leaves out of the lists and why, and
/// finds none where there are no tables, or broken ones. At boot.
[[nodiscard]] CpuList find_other_cpus();

}  // namespace kmapper::kernel
