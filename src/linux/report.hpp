// How the Linux-named interface reports mistakes: one line on standard error.
#pragma once

#include "linux/machine.hpp"
#include "system/fault_direction.hpp"

namespace kmapper::linux_face {

/// A mistake: `what` was done to the page by the call that returns to `caller`; `advice` says what
/// to do. Reported with or without the machine's mutex held.
struct Mistake {
  const char* what;
  unsigned long pfn = 0;  // 0: no page
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

/// What is left at the program's end, by one call.
struct Leak {
  const char* thing;  // in the singular
  const char* state;
  const char* by;  // what the caller did
  const char* advice;
  unsigned long count = 0;
  unsigned long first_pfn = 0;  // 0: no page
  const void* caller = nullptr;
};
void report(const Leak& leak);

/// What an address belongs to.
struct Place {
  enum class Kind { none, plain, local, open, page_struct };
  Kind kind = Kind::none;
  unsigned long pfn = 0;      // 0: no page
  std::ptrdiff_t offset = 0;  // from the page's beginning
  int thread = 0;             // whose local mapping it is, or was

  /// Not in a guard.
  [[nodiscard]] bool is_in_page() const {
    return pfn != 0 && offset >= 0 && static_cast<unsigned long>(offset) < PAGE_SIZE;
  }
};
/// May be called in a signal handler.
[[nodiscard]] Place find_place(const Machine& machine, const void* address);

/// Reports an access to an inaccessible address of the machine. May be called in a signal handler.
/// False: the address is not the machine's.
[[nodiscard]] bool report_access(const void* address, system::Direction direction,
                                 const void* instruction);

/// From now on such accesses are reported.
void watch_for_faults();

}  // namespace kmapper::linux_face
