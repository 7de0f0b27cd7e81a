// The SIGSEGV handler of the Linux-named interface. It reports what is wrong with an access to one
// of the machine's pages, and passes the signal to the handler that was there before, or to the
// system.
#include <cerrno>
#include <csignal>
#include <new>
#include <system_error>

#include "linux/report.hpp"
#include "system/fault_direction.hpp"
#include "system/signal_chain.hpp"
#include "system/stay_loaded.hpp"

namespace kmapper::linux_face {
namespace {

/// Only reports: no such access can be made to succeed.
bool say_what_is_wrong(siginfo_t* info, void* context) noexcept {
  if (info->si_code > 0) {
    (void)report_access(info->si_addr, system::direction_of(info, context),
                        system::instruction_in(context));
  }
  return false;
}

}  // namespace

void watch_for_faults() {
  try {
    if (!system::stay_loaded()) fail("keeping the code of the SIGSEGV handler loaded", ELIBACC);
    system::SignalChain<SIGSEGV, say_what_is_wrong>::install();
  } catch (const std::system_error& error) {
    fail("a handler for SIGSEGV", error.code().value());
  } catch (const std::bad_alloc&) {
    fail("a handler for SIGSEGV", ENOMEM);
  }
}

}  // namespace kmapper::linux_face
