// Runs something in a process of its own: what it does to the process, and how it ends, is its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kmapper::process {

/// What the function returned, as an exit code; below 0: the signal that ended it.
template <class Function>
int in_a_child(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      _exit(function());
    } catch (...) {
      _exit(98);  // and not on into the parent's tests
    }
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace kmapper::process
