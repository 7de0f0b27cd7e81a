// The SIGSEGV handler of the Linux-named face: says what an access to a page of ours did wrong, and
// leaves the signal to the handler that was there before, or to the system.
#include <cerrno>
#include <csignal>
#include <new>
#include <system_error>

#include "process/fault_direction.hpp"
#include "process/linux_report.hpp"
#include "process/signal_chain.hpp"
#include "process/stay_loaded.hpp"

namespace kmapper::linux_face {
namespace {

/// Nothing that is done wrong can be put right.
bool say_what_is_wrong(siginfo_t* info, void* context) noexcept {
  if (info->si_code > 0) {
    (void)report_access(info->si_addr, process::direction_of(info, context),
                        process::instruction_in(context));
  }
  return false;
}

}  // namespace

void watch_for_faults() {
  try {
    if (!process::stay_loaded()) fail("keeping the code of the SIGSEGV handler loaded", ELIBACC);
    process::SignalChain<SIGSEGV, say_what_is_wrong>::install();
  } catch (const std::system_error& error) {
    fail("a handler for SIGSEGV", error.code().value());
  } catch (const std::bad_alloc&) {
    fail("a handler for SIGSEGV", ENOMEM);
  }
}

}  // namespace kmapper::linux_face
