#include "bench/process/system_calls.hpp"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace kmapper::bench {
namespace {

/// A system call that no contender makes.
constexpr long kMark = SYS_getpgid;
constexpr int kSystemCallStop = SIGTRAP | 0x80;

void go_on(pid_t child, int signal) { ptrace(PTRACE_SYSCALL, child, nullptr, signal); }

/// The number of the call that the stopped child is entering; below 0: it is leaving one.
long entered(pid_t child) {
  __ptrace_syscall_info info{};
  if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) return -1;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY ? static_cast<long>(info.entry.nr) : -1;
}

}  // namespace

void mark_counting() { syscall(kMark, 0); }

std::int64_t count_system_calls(pid_t child, const std::function<void()>& start) {
  if (ptrace(PTRACE_SEIZE, child, nullptr, PTRACE_O_TRACESYSGOOD) != 0) return -1;
  ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr);
  start();
  std::int64_t count = 0;
  int marks = 0;
  int status = 0;
  while (waitpid(child, &status, __WALL) == child && WIFSTOPPED(status)) {
    const int signal = WSTOPSIG(status);
    if (signal != kSystemCallStop) {
      const bool is_event = status >> 16 != 0;  // the interruption above
      go_on(child, is_event ? 0 : signal);
      continue;
    }
    const long number = entered(child);
    if (number == kMark) {
      ++marks;
    } else if (number >= 0 && marks == 1) {
      ++count;
    }
    if (marks == 2) {
      ptrace(PTRACE_DETACH, child, nullptr, nullptr);
      return count;
    }
    go_on(child, 0);
  }
  return -1;
}

}  // namespace kmapper::bench
