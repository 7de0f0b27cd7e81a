// The CPUs that the firmware's ACPI tables list.
#pragma once

#include "kernel/firmware/madt.hpp"

namespace kmapper::kernel {

/// All CPUs but this one that the firmware lists. Prints which entries it leaves out, and why.
/// Empty if there are no tables, or only broken ones. At boot.
[[nodiscard]] CpuList find_other_cpus();

}  // namespace kmapper::kernel
