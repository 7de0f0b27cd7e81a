// The library's handler for SIGBUS, for programs that have one of their own. It is what turns a
// file that was cut short, a full disk or a bad one into Mapping::bad().
//
// The first budget installs it. A SIGBUS that is not of a mapping's bytes goes on to the handler
// that was there before, which sees what it would see without the library: its mask, its flags
// (SA_RESETHAND, SA_NODEFER, SA_ONSTACK, SA_RESTART, SA_SIGINFO), the signal's siginfo, and the
// interrupted context. It may return, or leave by siglongjmp(). Where there was none, or SIG_IGN,
// the system does what it would do. Two things show that the library is there: sigaction() names
// its handler; and a SIGBUS that somebody sends, and that was ignored before, ends a sleep, as of
// nanosleep() or poll(), with EINTR.
//
// A program that installs its own handler later takes the signal from the library. Then one of
// these keeps its windows working:
//
//   - The later handler goes on to the one that it replaced, with its three arguments.
//   - It calls handle_sigbus() first, and returns where that says true.
//   - The program calls install_sigbus_handler() when the other handler is in place, as after
//     Python's faulthandler.enable(). The other handler gets what is not the library's.
#pragma once

#include <csignal>

#include "kmapper/export.h"

namespace kmapper::process {

/// For a handler of the program's, which has SA_SIGINFO set and passes on its arguments. True: an
/// access to a mapping faulted, and can be made now: return. False: the signal is not the
/// library's; nothing was done. May be called in signal handlers, and changes neither errno nor the
/// signal mask.
[[nodiscard]] KMAPPER_API bool handle_sigbus(int number, siginfo_t* info, void* context) noexcept;

/// Puts the library's handler in front of the one that SIGBUS has now; does nothing where that is
/// the library's. May be called again whenever another handler was installed, in front of up to 16
/// different ones. Any thread; not in signal handlers. Throws std::system_error, std::bad_alloc.
KMAPPER_API void install_sigbus_handler();

}  // namespace kmapper::process
