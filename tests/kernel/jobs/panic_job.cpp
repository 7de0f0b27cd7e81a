// job=panic: every CPU prints line after line; then all of them panic at the same time. Each line
// must be whole, and there must be one report, with nothing after it.
#include <atomic>

#include "arch/cpus.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

constinit std::atomic<std::uint32_t> next_cpu{0};
constinit std::atomic<std::uint32_t> printing{0};  // CPUs
constinit std::atomic<bool> now_panic{false};

void print_and_panic(void* /*argument*/) {
  const CpuNumber cpu{next_cpu.fetch_add(1)};
  thread_move_to(cpu);
  print("a line of CPU {}, whole\n", cpu);
  printing.fetch_add(1);
  while (!now_panic.load()) print("a line of CPU {}, whole\n", cpu);
  if (to_number(cpu) != 0 && to_number(cpu) == cpu_count() - 1) {
    const InterruptsOff deaf;
    for (;;) pause();
  }
  panic("CPU {} was told to panic", cpu);
}

/// job=panic: all CPUs print, and panic at the same time.
Outcome panic_job(const BootInfo& /*boot*/) {
  for (std::uint32_t i = 0; i < cpu_count(); ++i) {
    if (thread_create("panics", print_and_panic, nullptr) == nullptr) {
      return failed("no memory for a thread");
    }
  }
  while (printing.load() != cpu_count()) thread_sleep(1);
  thread_sleep(5);
  now_panic.store(true);
  thread_sleep(100);
  return failed("the machine went on");
}
KMAPPER_JOB("panic", panic_job);

}  // namespace

}  // namespace kmapper::kernel
