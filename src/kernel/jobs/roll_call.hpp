// Checks that all counted CPUs work: a thread moves to each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "arch/cpu.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

/// One at a time. The caller must be a thread that may sleep.
class RollCall {
 public:
  /// Starts the threads.
  RollCall();

  /// The first CPU where no thread has arrived after `patience_ns`.
  [[nodiscard]] std::optional<CpuNumber> missing(std::uint64_t patience_ns) const;
  /// Waits for all threads. Without it they stay where they are, for ever.
  void end();

 private:
  std::array<Thread*, kMaxCpus> threads_{};
};

}  // namespace kmapper::kernel
