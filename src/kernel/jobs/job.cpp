#include "kernel/jobs/job.hpp"

#include <span>

#include "arch/machine.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/sched/thread.hpp"

// The borders of the section .jobs, from the linker script.
extern "C" const kmapper::kernel::Job jobs_begin[];
extern "C" const kmapper::kernel::Job jobs_end[];

namespace kmapper::kernel {
namespace {

std::span<const Job> jobs() { return {jobs_begin, jobs_end}; }

struct Run {
  std::string_view name;
  const BootInfo& boot;
  Outcome outcome;
};

Outcome run(const Run& wanted) {
  for (const Job& job : jobs()) {
    if (job.name == wanted.name) return job.run(wanted.boot);
  }
  print("job={}: the jobs are", wanted.name);
  for (const Job& job : jobs()) print(" {}", job.name);
  print("\n");
  return failed("this kernel has no such job");
}

// The job has a thread of its own, so that its death is an outcome like any other.
Outcome run_in_thread(std::string_view name, const BootInfo& boot) {
  Run wanted{name, boot, failed("the job's thread died")};
  Thread* const thread = thread_create(
      "job",
      [](void* argument) {
        auto& self = *static_cast<Run*>(argument);
        self.outcome = run(self);
      },
      &wanted);
  if (thread == nullptr) return failed("no memory for the job's thread");
  thread_join(*thread);
  return wanted.outcome;
}

}  // namespace

void run_job(const BootInfo& boot) {
  const std::string_view name = find_word(boot.command_line, "job");
  const Outcome outcome = run_in_thread(name.empty() ? "run" : name, boot);
  if (outcome.has_failed()) {
    print("FAIL: {}\n", outcome.why());
    machine_exit(Verdict::fail);
  }
  print("PASS\n");
  machine_exit(Verdict::pass);
}

}  // namespace kmapper::kernel
