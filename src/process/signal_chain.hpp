// What a handler of ours does with a signal that is not its own.
#pragma once

#include <csignal>

namespace kmapper::process {

/// Leaves it to what was there before: a handler; or the system, as if there were none: the access
/// is made again, and ends the process, or, if somebody sent the signal, it is sent again.
inline void pass_on(const struct sigaction& previous, int number, siginfo_t* info, void* context) {
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    signal(number, SIG_DFL);
    if (info->si_code <= 0) raise(number);
  }
}

}  // namespace kmapper::process
