// System calls on files that no signal can interrupt, and that send none.
//
// A file system that another program serves (FUSE), or another machine, may return EINTR from any
// call on one of its files when a signal arrives. The call is repeated, so callers of the window
// never see an EINTR.
//
// A call that would make a file longer than the process's limit (RLIMIT_FSIZE, `ulimit -f`) fails
// with EFBIG. The kernel also sends SIGXFSZ to the thread, which ends a process that has no handler
// for it. The signal is blocked during the call, and removed afterwards. Its disposition belongs to
// the program, and is not changed.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <type_traits>

namespace kmapper::system {

/// Repeats a call until no signal interrupts it, and returns its last result. -1 or MAP_FAILED is
/// an error, with errno set. May be called in a signal handler.
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

/// Keeps SIGXFSZ from the calling thread while it lives. When it dies, errno must still be that of
/// the call that it was made for.
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
    // A signal that came before, while the program had it blocked, stays pending.
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

/// Makes a call that may lengthen a file.
template <class Call>
auto within_size_limit(Call call) noexcept {
  const SizeSignalHeld held;
  return uninterrupted(call);
}

}  // namespace kmapper::system
