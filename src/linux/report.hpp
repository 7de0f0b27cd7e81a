// How the Linux-named interface reports mistakes: one line on standard error.
#pragma once

#include "linux/machine.hpp"
#include "system/fault_direction.hpp"

namespace kmapper::linux_face {

/// A mistake: `what` was done to the page by the call that returns to `caller`; `advice` says what
/// to do. Reported with or without the machine's mutex held.
struct Mistake {
  const char* what;
  unsigned long pfn;  // 0: no page
  const void* caller;
  const char* advice;
  const void* other = nullptr;  // a second call that the advice mentions
};

/// Reports the mistake, and goes on.
void report(const Mistake& mistake);
/// Reports the mistake, and aborts the process, so that a core dump shows the call.
[[noreturn]] void stop(const Mistake& mistake);
/// The machine cannot do its work. `error`: an errno.
[[noreturn]] void fail(const char* what, int error);

/// Reports an access to an inaccessible address of the machine. May be called in a signal handler.
/// False: the address is not the machine's.
[[nodiscard]] bool report_access(const void* address, system::Direction direction,
                                 const void* instruction);

/// From now on such accesses are reported.
void watch_for_faults();

}  // namespace kmapper::linux_face
