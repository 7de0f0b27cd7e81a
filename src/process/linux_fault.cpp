// The SIGSEGV handler of the Linux-named face: says what an access to a page of ours did wrong, and
// leaves the signal to the handler that was there before, or to the system.
#include <cerrno>
#include <csignal>

#include "process/fault_direction.hpp"
#include "process/linux_report.hpp"
#include "process/signal_chain.hpp"

namespace kmapper::linux_face {
namespace {

struct sigaction previous_action;

void on_sigsegv(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  if (info->si_code > 0)
    (void)report_access(info->si_addr, process::direction_of(info, context),
                        process::instruction_in(context));
  errno = saved;
  process::pass_on(previous_action, number, info, context);
}

}  // namespace

void watch_for_faults() {
  struct sigaction action {};
  action.sa_sigaction = on_sigsegv;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGSEGV, &action, &previous_action) != 0) fail("a handler for SIGSEGV", errno);
}

}  // namespace kmapper::linux_face
