// The SIGSEGV handler of the Linux-named face: says what an access to a page of ours did wrong, and
// leaves the signal to the handler that was there before, or to the system.
#include <ucontext.h>

#include <cerrno>
#include <csignal>

#include "process/linux_report.hpp"
#include "process/signal_chain.hpp"

namespace kmapper::linux_face {
namespace {

struct sigaction previous_action;

struct Access {
  bool write = false;
  const void* instruction = nullptr;
};

Access access_in(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__) || defined(__i386__)
#ifdef __x86_64__
  constexpr int kInstruction = REG_RIP;
#else
  constexpr int kInstruction = REG_EIP;
#endif
  constexpr greg_t kWrite = 2;
  return {(machine.gregs[REG_ERR] & kWrite) != 0,
          reinterpret_cast<const void*>(machine.gregs[kInstruction])};
#elif defined(__aarch64__)
  return {false, reinterpret_cast<const void*>(machine.pc)};
#else
  (void)machine;
  return {};
#endif
}

void on_sigsegv(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  const Access access = access_in(context);
  if (info->si_code > 0) (void)report_access(info->si_addr, access.write, access.instruction);
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
