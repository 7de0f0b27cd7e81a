#include "system/signal_chain.hpp"

#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

namespace kmapper::system {
namespace {

/// Only the signals that the kernel has. The C library's other bits of a sigset_t are not always
/// written.
std::uint64_t bits_of(const sigset_t& signals) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &signals, sizeof bits);
  return bits;
}

bool has(const struct sigaction& action, unsigned flag) {
  return (static_cast<unsigned>(action.sa_flags) & flag) != 0;
}

/// Whether the action is the system's own: it names no function.
bool is_the_systems(const struct sigaction& action) {
  return !has(action, SA_SIGINFO) && (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
}

bool is_same(const struct sigaction& one, const struct sigaction& other) {
  const bool is_function_same = has(one, SA_SIGINFO) ? one.sa_sigaction == other.sa_sigaction
                                                     : one.sa_handler == other.sa_handler;
  return one.sa_flags == other.sa_flags && is_function_same &&
         bits_of(one.sa_mask) == bits_of(other.sa_mask);
}

[[noreturn]] void fail(int error, int number, const std::string& what) {
  throw std::system_error(error, std::system_category(),
                          "a handler for signal " + std::to_string(number) + what);
}

/// The signals that the kernel would block while it runs `action`.
sigset_t mask_in(const struct sigaction& action, int number, const void* context) {
  const auto& interrupted = static_cast<const ucontext_t*>(context)->uc_sigmask;
  const std::uint64_t bits = bits_of(interrupted) | bits_of(action.sa_mask);
  sigset_t mask;
  sigemptyset(&mask);
  std::memcpy(&mask, &bits, sizeof bits);
  if (!has(action, SA_NODEFER)) sigaddset(&mask, number);
  return mask;
}

}  // namespace

void HandlerLevels::install() {
  struct sigaction now {};
  if (sigaction(number_, nullptr, &now) != 0) fail(errno, number_, "");
  while (!is_ours(now)) {
    const std::size_t level = level_before(now);
    // The stack that the handler runs on, and whether system calls are restarted, stay as they
    // would be without this library.
    const unsigned where = is_the_systems(now) ? ~0U : static_cast<unsigned>(now.sa_flags);
    struct sigaction action {};
    action.sa_sigaction = functions_[level];
    action.sa_flags = static_cast<int>(SA_SIGINFO | (where & (SA_ONSTACK | SA_RESTART)));
    sigfillset(&action.sa_mask);
    struct sigaction replaced {};
    if (sigaction(number_, &action, &replaced) != 0) fail(errno, number_, "");
    if (is_same(replaced, now)) return;
    now = replaced;  // another thread was faster
  }
}

void HandlerLevels::pass_on(std::size_t level, siginfo_t* info, void* context) noexcept {
  Level& own = levels_[level];
  const struct sigaction& previous = *own.previous.load(std::memory_order_acquire);
  const bool was_sent = info->si_code <= 0;
  if (is_the_systems(previous)) {
    if (previous.sa_handler == SIG_IGN && was_sent) return;
    return leave_to_system(info);
  }
  // Relaxed: one thread is the first; it does not matter which.
  if (has(previous, SA_RESETHAND) && own.is_spent.exchange(1, std::memory_order_relaxed) != 0)
    return leave_to_system(info);
  // The kernel takes the mask from the context when this returns.
  const sigset_t mask = mask_in(previous, number_, context);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  if (has(previous, SA_SIGINFO)) return previous.sa_sigaction(number_, info, context);
  previous.sa_handler(number_);
}

/// Sends the signal once more, unchanged. It is blocked until the handler returns; then it ends the
/// process at the interrupted instruction.
void HandlerLevels::leave_to_system(siginfo_t* info) const noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(number_, &action, nullptr);
  if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number_, info) != 0) raise(number_);
}

bool HandlerLevels::is_ours(const struct sigaction& action) const {
  return has(action, SA_SIGINFO) &&
         std::find(functions_.begin(), functions_.end(), action.sa_sigaction) != functions_.end();
}

/// The level that passes signals on to `action`: one that does so already, or a new one.
std::size_t HandlerLevels::level_before(const struct sigaction& action) {
  std::unique_ptr<const struct sigaction> copy = std::make_unique<struct sigaction>(action);
  for (std::size_t level = 0; level < kMost; ++level) {
    Level& it = levels_[level];
    const struct sigaction* previous = nullptr;
    // Acquire, where it fails, and release: see Level.
    if (it.previous.compare_exchange_strong(previous, copy.get(), std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
      (void)copy.release();
      return level;
    }
    if (!is_same(*previous, action)) continue;
    it.is_spent.store(0, std::memory_order_relaxed);
    return level;
  }
  fail(ENOSPC, number_,
       ": " + std::to_string(kMost) + " different handlers have already been replaced");
}

}  // namespace kmapper::system
