// What the Linux-named face says of mistakes: one line on standard error.
#pragma once

#include "linux/machine.hpp"
#include "system/fault_direction.hpp"

namespace kmapper::linux_face {

/// `what` of the page was done by the call that returns to `caller`; `advice` what to do. With or
/// without the machine's mutex held.
struct Mistake {
  const char* what;
  unsigned long pfn;  // 0: no page
  const void* caller;
  const char* advice;
  const void* other = nullptr;  // a second call that the advice speaks of
};

/// Says it, and goes on.
void report(const Mistake& mistake);
/// Says it, and ends the process, with a core at the place.
[[noreturn]] void stop(const Mistake& mistake);
/// The machine cannot do what it has to. `error`: an errno.
[[noreturn]] void fail(const char* what, int error);

/// An access to an address of ours that admits nobody. May be called in a signal handler. False:
/// it is none of ours.
[[nodiscard]] bool report_access(const void* address, system::Direction direction,
                                 const void* instruction);

/// From now on such accesses are reported.
void watch_for_faults();

}  // namespace kmapper::linux_face
