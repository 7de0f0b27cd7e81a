// Decides which CPU writes to the console. One CPU at a time: print() takes it for a line, a report
// takes it for all of its lines.
#pragma once

#include <atomic>
#include <cstdint>

#include "arch/cpu.hpp"

namespace kmapper::kernel {

/// While an object exists, no other CPU writes to the console, and interrupts are disabled: an
/// interrupt could need a lock whose holder waits for the console. Nests, even if a fault or an NMI
/// comes between. Any context.
class ConsoleHeld {
 public:
  ConsoleHeld();
  ~ConsoleHeld();
  ConsoleHeld(const ConsoleHeld&) = delete;
  ConsoleHeld& operator=(const ConsoleHeld&) = delete;

  /// This CPU releases the console, however deep it holds it: its thread ends here.
  static void release_for_good();
  /// This CPU takes the console even if another CPU holds it: the machine ends here. First it waits
  /// a moment for the other CPU to finish its line. Interrupts must be disabled.
  static void seize();
  /// Whether this CPU has the console. Interrupts must be disabled.
  [[nodiscard]] static bool is_held_here();

 private:
  InterruptState before_;
  bool taken_;
};

}  // namespace kmapper::kernel
