// System calls on files, which signals neither disturb nor follow.
//
// A file system that another program serves (FUSE), or another machine, may answer EINTR to any
// call on one of its files when a signal arrives. The call is made again, so no caller of the
// window learns that there was a signal.
//
// A call that would make a file longer than the process's limit (RLIMIT_FSIZE, `ulimit -f`) says
// EFBIG, and the kernel also sends SIGXFSZ to the thread, which ends a process that has no handler
// for it. The signal is held back while the call is made, and taken off afterwards. Its disposition
// is the program's own, and stays as it is.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <type_traits>

namespace kmapper::system {

/// Makes a call until no signal interrupts it, and returns what it returned last: -1, or
/// MAP_FAILED, is an error, of which errno says more. May be called in a signal handler.
template <class Call>
auto uninterrupted(Call call) noexcept {
  for (;;) {
    const auto result = call();
    bool failed = false;
    if constexpr (std::is_pointer_v<decltype(call())>) {
      failed = result == MAP_FAILED;
    } else {
      failed = result == -1;
    }
    if (!failed || errno != EINTR) return result;
  }
}

/// Keeps SIGXFSZ from the calling thread while it lives. It must see the errno of the call that it
/// is there for.
class SizeSignalHeld {
 public:
  SizeSignalHeld() noexcept {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&before_, SIGXFSZ) == 1 && sigismember(&pending, SIGXFSZ) == 1;
  }
  SizeSignalHeld(const SizeSignalHeld&) = delete;
  SizeSignalHeld& operator=(const SizeSignalHeld&) = delete;
  ~SizeSignalHeld() {
    const int number = errno;
    // A signal that the program had blocked, and that came before, is the program's.
    if (number == EFBIG && !was_pending_) {
      const timespec now{};
      (void)uninterrupted([&] { return sigtimedwait(&signal_, nullptr, &now); });
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = number;
  }

 private:
  sigset_t signal_;
  sigset_t before_;
  bool was_pending_;
};

/// A call that may make a file longer.
template <class Call>
auto within_size_limit(Call call) noexcept {
  const SizeSignalHeld held;
  return uninterrupted(call);
}

}  // namespace kmapper::system
