// Ends a machine that cannot go on.
#pragma once

#include "arch/cpu.hpp"
#include "arch/machine.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {

/// Stops the other CPUs, prints "panic: " and one line with the reason, and ends the machine with
/// FAIL. If several CPUs panic, one of them prints. Any context.
template <class... T>
[[noreturn, gnu::cold, gnu::noinline]] void panic(Format<std::type_identity_t<T>...> format,
                                                  const T&... values) {
  disable_interrupts();
  stop_other_cpus();
  print("panic: ");
  print(format, values...);
  print("\nFAIL\n");
  machine_exit(Verdict::fail);
}

}  // namespace kmapper::kernel
