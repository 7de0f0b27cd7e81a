// Processes that a job starts, and that it waits for together.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/user/process.hpp"

namespace kmapper::kernel {

/// At most kMaxProcesses. A job that returns early waits for them, too.
class ProcessGroup {
 public:
  ~ProcessGroup() { (void)wait(); }

  /// Starts a built-in program.
  [[nodiscard]] StartError start(std::string_view program, std::string_view arguments) {
    const auto process = process_start(*find_program(program), arguments);
    if (!process) return process.error();
    processes_[size_++] = *process;
    return StartError::none;
  }
  [[nodiscard]] bool have_ended() const {
    return std::all_of(processes_.begin(), processes_.begin() + size_,
                       [](const Process* process) { return process->has_ended(); });
  }
  /// Waits until all have ended; sleeps. Whether all exited with 0. The group is empty then.
  [[nodiscard]] bool wait() {
    bool right = true;
    while (size_ > 0) {
      const ProcessEnd end = process_wait(*processes_[--size_]);
      right = right && end.how == ProcessEnd::How::exited && end.code == 0;
    }
    return right;
  }

 private:
  std::array<Process*, kMaxProcesses> processes_{};
  std::size_t size_ = 0;
};

}  // namespace kmapper::kernel
