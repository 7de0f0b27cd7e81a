// Whether all CPUs that are counted work: a thread goes to each.
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
  /// Sends the threads out.
  RollCall();

  /// The first CPU where none has arrived, after all have had so long to do so.
  [[nodiscard]] std::optional<CpuNumber> missing(std::uint64_t patience_ns) const;
  /// Waits for all threads. Those that it is not called for stay where they are, for good.
  void end();

 private:
  std::array<Thread*, kMaxCpus> threads_{};
};

}  // namespace kmapper::kernel
