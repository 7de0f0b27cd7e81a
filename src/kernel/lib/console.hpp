// Who writes to the console. One CPU at a time: print() takes it for a line, reports take it for
// all of their lines.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/cpu.hpp"

namespace kmapper::kernel {

/// While one lives, no other CPU writes to the console, and interrupts are disabled: an interrupt
/// could want a lock whose holder wants the console. Nests, also where a fault or an NMI comes
/// between. Any context.
class ConsoleHeld {
 public:
  ConsoleHeld();
  ~ConsoleHeld();
  ConsoleHeld(const ConsoleHeld&) = delete;
  ConsoleHeld& operator=(const ConsoleHeld&) = delete;

  /// This CPU gives the console back, however deep it holds it: its thread ends here.
  static void release_for_good();
  /// This CPU has the console from now on, even if another keeps it: the machine ends here. Waits a
  /// moment for the other to finish its line. Interrupts must be disabled.
  static void seize();
  /// Whether this CPU has the console. Interrupts must be disabled.
  [[nodiscard]] static bool is_held_here();

 private:
  InterruptState before_;
  bool taken_;
};

}  // namespace kmapper::kernel
