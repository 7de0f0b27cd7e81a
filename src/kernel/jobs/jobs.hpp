// The jobs. Each runs in a thread of its own, alone on the machine, and says how it ended.
#pragma once

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"

namespace kmapper::kernel {

/// job=run [sample=N]: keeps the boot modules in high memory and hashes them from there; writes and
/// reads every page of high memory (every Nth with sample=N); lets more threads than there are
/// slots map at once.
Outcome main_job(const BootInfo& boot);

/// job=shell: keeps the boot modules in high memory, and does what somebody types on the serial
/// line.
Outcome shell_job(const BootInfo& boot);

/// job=test: the self tests, one line each. A test that fails does not keep the others from
/// running.
Outcome test_job(const BootInfo& boot);

/// job=reuse [rounds=N]: pages that are freed while they are mapped and allocated again at once, on
/// all CPUs.
Outcome reuse_job(const BootInfo& boot);

/// job=torture [seconds=N] [seed=N]: random operations from threads and interrupts on all CPUs.
Outcome torture_job(const BootInfo& boot);

/// job=doublefault: overflows the stack in an interrupt handler, which ends the machine with a
/// report.
Outcome double_fault_job(const BootInfo& boot);

/// job=consolefault: takes the screen's mapping away and prints: the console's own code faults,
/// which ends the machine with one line.
Outcome console_fault_job(const BootInfo& boot);

/// job=panic: all CPUs print, and panic at the same time.
Outcome panic_job(const BootInfo& boot);

/// job=bench [ops=N] [unit=ns]: what an operation costs, in counts of the time-stamp counter
/// (instructions, in a machine that counts these) or in nanoseconds.
Outcome bench_job(const BootInfo& boot);

/// job=scale [rounds=N] [ops=N]: what operations cost in nanoseconds on one, two and four CPUs at
/// once, and what they have to tell each other.
Outcome scale_job(const BootInfo& boot);

}  // namespace kmapper::kernel
