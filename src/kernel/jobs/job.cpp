#include "kernel/jobs/job.hpp"

#include "arch/machine.hpp"
#include "kernel/jobs/jobs.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

struct Job {
  std::string_view name;
  Outcome (*run)(const BootInfo& boot);
};

constexpr Job kJobs[] = {
    {"run", main_job},
    {"test", test_job},
    {"reuse", reuse_job},
    {"torture", torture_job},
    {"panic", panic_job},
    {"doublefault", double_fault_job},
    {"consolefault", console_fault_job},
    {"bench", bench_job},
    {"scale", scale_job},
    {"shell", shell_job},
};

const Job& find_job(const BootInfo& boot) {
  const std::string_view name = find_word(boot.command_line, "job");
  if (name.empty()) return kJobs[0];
  for (const Job& job : kJobs) {
    if (job.name == name) return job;
  }
  panic(
      "job={}: the jobs are run, test, reuse, torture, panic, doublefault, consolefault, "
      "bench, scale and shell",
      name);
}

struct Run {
  const Job& job;
  const BootInfo& boot;
  Outcome outcome;
};

// The job has a thread of its own, so that its death is an outcome like any other.
Outcome run_in_thread(const Job& job, const BootInfo& boot) {
  Run run{job, boot, failed("the job's thread died")};
  Thread* const thread = thread_create(
      "job",
      [](void* argument) {
        auto& self = *static_cast<Run*>(argument);
        self.outcome = self.job.run(self.boot);
      },
      &run);
  if (thread == nullptr) return failed("no memory for the job's thread");
  thread_join(*thread);
  return run.outcome;
}

}  // namespace

void run_job(const BootInfo& boot) {
  const Outcome outcome = run_in_thread(find_job(boot), boot);
  if (outcome.has_failed()) {
    print("FAIL: {}\n", outcome.why());
    machine_exit(Verdict::fail);
  }
  print("PASS\n");
  machine_exit(Verdict::pass);
}

}  // namespace kmapper::kernel
