// The main job: all CPUs, real files, all of memory (by the kernel, and by processes), and more
// threads than slots, one step after the other; see main_steps.hpp. The files stay in high memory
// during the other steps.
#include "kernel/jobs/free_pages.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

std::uint32_t pages_of(const BootModule& module) {
  return to_pfn_up(module.range.end) - to_pfn(module.range.begin);
}

Outcome store_files(const BootInfo& boot, FileStore& files) {
  for (const BootModule& module : boot.modules) {
    const Outcome stored = store_file(module, files);
    if (stored.has_failed()) return stored;
    const Outcome hashed = hash_file(static_cast<std::uint32_t>(files.all().size() - 1));
    if (hashed.has_failed()) return hashed;
  }
  return passed();
}

Outcome run_steps(const BootInfo& boot, FileStore& files) {
  const Outcome called = call_the_roll();
  if (called.has_failed()) return called;
  const Outcome stored = store_files(boot, files);
  if (stored.has_failed()) return stored;
  constexpr std::uint32_t kMostSample = 1U << 20;
  const std::uint32_t sample = number_option(boot, "sample", 1, 1, kMostSample);
  const Outcome filled = fill_high_memory(sample);
  if (filled.has_failed()) return filled;
  const Outcome filled_again = fill_by_processes(sample);
  if (filled_again.has_failed()) return filled_again;
  const Outcome allocated = fill_by_vmalloc();
  if (allocated.has_failed()) return allocated;
  return crowd_the_window();
}

/// job=run [sample=N]: copies the boot modules to high memory and hashes them there; writes and
/// reads every page of high memory (every Nth with sample=N); fills the vmap range by vmalloc; lets
/// more threads than there are slots map at once.
Outcome main_job(const BootInfo& boot) {
  print_address_space(boot);
  std::uint32_t expected = free_pages_now();
  for (const BootModule& module : boot.modules) expected += pages_of(module);
  {
    FileStore files;
    const Outcome outcome = run_steps(boot, files);
    print_statistics();
    if (outcome.has_failed()) return outcome;
  }
  // All that was allocated is free again, and so are the loader's copies of the modules.
  const std::uint32_t free = free_pages_now();
  if (free == expected) return passed();
  print("{} pages are free; {} should be\n", free, expected);
  return failed("pages were lost");
}
KMAPPER_JOB("run", main_job);

}  // namespace

}  // namespace kmapper::kernel
