// The library's handler for SIGBUS, for programs that have one of their own. The handler turns an
// access to a file that was cut short, or that lies on a full disk or a bad one, into
// Mapping::bad().
//
// The first budget installs it. A SIGBUS for any other address goes on to the handler that was
// there before. That handler sees what it would see without the library: its mask, its flags
// (SA_RESETHAND, SA_NODEFER, SA_ONSTACK, SA_RESTART, SA_SIGINFO), the signal's siginfo, and the
// interrupted context. It may return, or leave by siglongjmp(). If there was no handler, or
// SIG_IGN, the system does what it would do without the library. A program can see two differences.
// sigaction() returns the library's handler. And a SIGBUS that was sent by a process, and that was
// ignored before, interrupts a sleep (nanosleep(), poll()) with EINTR.
//
// A program that installs its own handler later takes the signal from the library. Then each of
// these keeps its windows working:
//
//   - The later handler calls the one that it replaced, with its three arguments.
//   - It calls handle_sigbus() first, and returns if that returns true.
//   - The program calls install_sigbus_handler() after the other handler is installed, for example
//     after Python's faulthandler.enable(). The other handler gets the signals that are not the
//     library's.
#pragma once

#include <csignal>

#include "kmapper/export.h"

namespace kmapper::process {

/// Call it from the program's own handler, which needs SA_SIGINFO and passes on its arguments.
/// True: an access to a mapping faulted, and can be repeated now: the handler should return. False:
/// the signal is not the library's; nothing was done. May be called in signal handlers; changes
/// neither errno nor the signal mask.
[[nodiscard]] KMAPPER_API bool handle_sigbus(int number, siginfo_t* info, void* context) noexcept;

/// Puts the library's handler in front of the present SIGBUS handler; does nothing if that is the
/// library's. May be called again whenever another handler was installed, for up to 16 different
/// ones. Any thread; not in signal handlers. Throws std::system_error, std::bad_alloc.
KMAPPER_API void install_sigbus_handler();

}  // namespace kmapper::process
