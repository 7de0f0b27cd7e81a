// The machine as a whole: its setup at boot, and its end.
#pragma once

namespace kmapper::kernel {

enum class Verdict : bool { pass, fail };

/// Sets the boot CPU up: segments, per-CPU data, interrupt vectors, the CPU's protections; masks
/// all lines of the old interrupt controllers. Once, before all else; interrupts stay disabled.
void machine_init();

/// Sets up this CPU's local APIC. Once, after paging_init(). Panics if there is none.
void interrupts_init();

/// When it returns, no other CPU does anything any more, and this CPU has the console. If another
/// CPU has called it first, it does not return. Interrupts must be disabled.
void stop_other_cpus();

/// Ends the machine. QEMU's isa-debug-exit device turns it into the exit codes 1 (pass) and 3
/// (fail); on a machine without that device, the CPU halts. Any context.
[[noreturn]] void machine_exit(Verdict verdict);

}  // namespace kmapper::kernel
