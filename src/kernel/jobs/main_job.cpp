// The main job: real files, all of memory, and more threads than slots, one after the other; see
// main_steps.hpp. The files stay in high memory while the other steps run around them.
#include "kernel/jobs/jobs.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

std::uint32_t all_free() {
  const PageCounts counts = page_counts();
  return counts.low_free + counts.high_free;
}

std::uint32_t pages_of(const BootModule& module) {
  return to_pfn_up(module.range.end) - to_pfn(module.range.begin);
}

Outcome store_files(const BootInfo& boot, BlockList& files) {
  std::uint32_t index = 0;
  for (const BootModule& module : boot.modules) {
    const Outcome outcome = store_file(module, index++, files);
    if (outcome.has_failed()) return outcome;
  }
  return passed();
}

Outcome run_steps(const BootInfo& boot, BlockList& files) {
  const Outcome stored = store_files(boot, files);
  if (stored.has_failed()) return stored;
  constexpr std::uint32_t kMostSample = 1U << 20;
  const Outcome filled = fill_high_memory(number_option(boot, "sample", 1, 1, kMostSample));
  if (filled.has_failed()) return filled;
  return crowd_the_window();
}

}  // namespace

Outcome main_job(const BootInfo& boot) {
  print_address_space(boot);
  std::uint32_t expected = all_free();
  for (const BootModule& module : boot.modules) expected += pages_of(module);
  {
    BlockList files;
    const Outcome outcome = run_steps(boot, files);
    print_statistics();
    if (outcome.has_failed()) return outcome;
  }
  // Whatever was allocated is free again, and the modules' first copies too. Page tables below the
  // stacks stay.
  const std::uint32_t free = all_free();
  constexpr std::uint32_t kMostStackTables = (kStackAreaEnd - kStackAreaBase) / kLargePageSize + 1;
  if (free <= expected && expected - free <= kMostStackTables) return passed();
  print("{} pages are free; {} should be\n", free, expected);
  return failed("pages were lost");
}

}  // namespace kmapper::kernel
