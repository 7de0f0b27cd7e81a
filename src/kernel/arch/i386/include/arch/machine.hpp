// The machine as a whole: how it is set up at boot, and how it ends.
#pragma once

namespace kmapper::kernel {

enum class Verdict : bool { pass, fail };

/// Segments, per-CPU data, interrupt vectors, the CPU's protections, all lines of the old interrupt
/// controllers masked: on the CPU that boots. Once, first of all; interrupts stay disabled.
void machine_init();

/// This CPU's local APIC. Once, after paging_init(). Panics where there is none.
void interrupts_init();

/// No other CPU does anything any more, and the console is this CPU's, when this returns; where
/// another CPU was first to call it, it does not. Interrupts must be disabled.
void stop_other_cpus();

/// Ends the machine. QEMU's isa-debug-exit device makes the exit codes 1 (pass) and 3 (fail) of it;
/// on a machine without that device, the CPU halts. Any context.
[[noreturn]] void machine_exit(Verdict verdict);

}  // namespace kmapper::kernel
