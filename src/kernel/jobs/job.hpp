// The machine is booted for one job, named on the command line (job=NAME; the default is job=run).
// A job runs in a thread of its own, alone on the machine, and returns how it ended.
//
// An image has the jobs that its sources put into the section .jobs: the kernel's own jobs are in
// this folder, the test jobs in tests/kernel, the benches in bench/kernel. A kernel without tests
// is linked without those sources.
#pragma once

#include <string_view>

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"

namespace kmapper::kernel {

struct Job {
  std::string_view name;
  Outcome (*run)(const BootInfo& boot);
};

/// Makes job=`name` run `function`. Once for each job, in the source that defines the function.
#define KMAPPER_JOB(name, function)                                                           \
  [[gnu::section(".jobs"), gnu::used]] alignas(alignof(Job)) constexpr Job function##_entry { \
    name, function                                                                            \
  }

/// Runs the job that the command line names, prints PASS or FAIL as the last line, and ends the
/// machine. In a thread.
[[noreturn]] void run_job(const BootInfo& boot);

}  // namespace kmapper::kernel
