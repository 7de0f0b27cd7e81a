// What the machine is booted for: one job, named on the command line.
#pragma once

#include "kernel/boot_info.hpp"

namespace kmapper::kernel {

/// Runs the job that the command line names (job=run where it names none), prints PASS or FAIL as
/// the last line, and ends the machine. In a thread.
[[noreturn]] void run_job(const BootInfo& boot);

}  // namespace kmapper::kernel
