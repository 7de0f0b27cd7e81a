#include "kernel/jobs/roll_call.hpp"

#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

constinit std::array<std::atomic<bool>, kMaxCpus> arrived{};

void go_there(void* there) {
  const auto cpu = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(there));
  thread_move_to(CpuNumber{cpu});
  arrived[cpu].store(true);
}

}  // namespace

RollCall::RollCall() {
  for (std::uintptr_t cpu = 0; cpu < cpu_count(); ++cpu) {
    arrived[cpu].store(false);
    threads_[cpu] = thread_create("roll call", go_there, reinterpret_cast<void*>(cpu));  // NOLINT
  }
}

std::optional<CpuNumber> RollCall::missing(std::uint64_t patience_ns) const {
  const std::uint64_t end = now_ns() + patience_ns;
  for (std::uint32_t cpu = 0; cpu < cpu_count();) {
    if (arrived[cpu].load()) {
      ++cpu;
    } else if (now_ns() < end) {
      thread_sleep(1);
    } else {
      return CpuNumber{cpu};
    }
  }
  return std::nullopt;
}

void RollCall::end() {
  for (Thread*& thread : threads_) {
    if (thread != nullptr) thread_join(*thread);
    thread = nullptr;
  }
}

Outcome call_the_roll() {
  constexpr std::uint64_t kPatienceNs = 10'000'000'000;
  RollCall roll;
  if (const auto missing = roll.missing(kPatienceNs)) {
    print("CPU {} of {} runs no thread\n", *missing, cpu_count());
    return failed("a CPU does not work");
  }
  roll.end();
  return passed();
}

}  // namespace kmapper::kernel
