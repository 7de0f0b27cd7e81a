// What the machine is booted for: one job, named on the command line (job=NAME; without it,
// job=run). A job runs in a thread of its own, alone on the machine, and says how it ended.
//
// The jobs of an image are those that its sources put into the section .jobs: the kernel's own are
// in this folder, those that test are in tests/kernel, those that measure are in bench/kernel. A
// kernel without tests is linked without these sources.
#pragma once

#include <string_view>

#include "kernel/boot_info.hpp"
#include "kernel/jobs/outcome.hpp"

namespace kmapper::kernel {

struct Job {
  std::string_view name;
  Outcome (*run)(const BootInfo& boot);
};

/// Makes job=`name` run `function`. Once for each job, in the source that has the function.
#define KMAPPER_JOB(name, function) \
  [[gnu::section(".jobs"), gnu::used]] constexpr Job function##_entry { name, function }

/// Runs the job that the command line names, prints PASS or FAIL as the last line, and ends the
/// machine. In a thread.
[[noreturn]] void run_job(const BootInfo& boot);

}  // namespace kmapper::kernel
