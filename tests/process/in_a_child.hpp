// Runs a function in a process of its own, so that its effects on the process, and the process's
// end, stay there.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace kmapper::process {

/// AddressSanitizer's allocator (of GCC 12) does not lock its own mutexes around fork(): a child
/// that takes or frees memory waits for ever for one that another thread of its parent held. It
/// does so in programs that only call malloc(), free() and fork(), too. The C library's allocator
/// does not.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAllocatorMayHangInChild = true;
#elif defined(__has_feature)
inline constexpr bool kAllocatorMayHangInChild = __has_feature(address_sanitizer);
#else
inline constexpr bool kAllocatorMayHangInChild = false;
#endif

/// How long a child may take that was forked among threads that take memory.
inline constexpr unsigned kSecondsAmongThreads = kAllocatorMayHangInChild ? 20 : 60;

/// Whether such a child, which ended so (in_a_child_within()), did what it should.
inline bool is_well_among_threads(int ended) {
  return ended == 0 || (kAllocatorMayHangInChild && ended == -SIGALRM);
}

/// Children that were forked so, one after the other.
class ChildrenAmongThreads {
 public:
  /// Whether to go on: false after one that did what it should not, and after three that hung.
  bool counts(int ended) {
    ++size_;
    if (ended == 0) ++finished_;
    if (ended != 0 && is_well_among_threads(ended)) ++hung_;
    is_well_ = is_well_ && is_well_among_threads(ended);
    return is_well_ && hung_ < 3;
  }
  [[nodiscard]] int size() const { return size_; }
  /// None did what it should not, and not all of them hung.
  [[nodiscard]] bool are_well() const { return is_well_ && finished_ != 0; }

 private:
  int size_ = 0;
  int finished_ = 0;
  int hung_ = 0;
  bool is_well_ = true;
};

/// The exit code, of what waitpid() says; below 0: the signal that ended the child.
inline int exit_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// The function's return value, as an exit code; below 0: the signal that ended it. -SIGALRM: it
/// has not ended within so many seconds (0: no limit).
template <class Function>
int in_a_child_within(unsigned seconds, Function function) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(seconds);
    try {
      _exit(function());
    } catch (...) {
      _exit(98);  // never continue with the parent's tests
    }
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return exit_of(status);
}

/// The same, without a limit.
template <class Function>
int in_a_child(Function function) {
  return in_a_child_within(0, function);
}

}  // namespace kmapper::process
