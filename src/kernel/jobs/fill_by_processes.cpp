// Processes take all memory at once: the kernel has only its reserve left, page tables lie in high
// memory, and pages are allocated and freed on all CPUs.
#include <algorithm>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/jobs/free_pages.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/jobs/process_group.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"

namespace kmapper::kernel {
namespace {

// 1 GiB: if one process takes twice its share, it runs out of memory before it runs out of
// addresses.
constexpr std::uint32_t kPagesOfOne = 1U << 18;
constexpr std::uint32_t kTicksToHold =
    10;  // all of it, so that all have their pages at the same time

// The least memory that was free at any time until all processes have ended.
struct Least {
  std::uint32_t all, high;
};
Least watch(const ProcessGroup& fillers) {
  Least least{UINT32_MAX, UINT32_MAX};
  while (!fillers.have_ended()) {
    thread_sleep(1);
    const PageCounts counts = page_counts();
    least.high = std::min(least.high, counts.high_free);
    least.all = std::min(least.all, counts.low_free + counts.high_free);
  }
  return least;
}

}  // namespace

Outcome fill_by_processes(std::uint32_t sample) {
  const std::uint32_t before = free_pages_now();
  const std::uint32_t processes =
      std::min<std::uint32_t>(std::max(cpu_count(), before / kPagesOfOne + 1), kMaxProcesses);
  const std::uint32_t limit = sample == 1 ? UINT32_MAX : before / sample / processes;
  print("processes take {}: {} of them, on {} CPUs\n",
        sample == 1 ? "all memory" : "a part of memory", processes, cpu_count());
  const std::uint64_t begin_ns = now_ns();
  ProcessGroup fillers;
  char arguments[32];
  const std::string_view limits = format_to(arguments, "{} {}", limit, kTicksToHold);
  for (std::uint32_t i = 0; i < processes; ++i) {
    const StartError error = fillers.start("fill", limits);
    // The first processes may have left no memory for the last.
    if (error == StartError::out_of_memory && i > 0) break;
    if (error != StartError::none) return failed(describe(error));
  }
  const Least least = watch(fillers);
  if (!fillers.wait()) return failed("a process did not find what it wrote");
  print("  {} pages at the same time, {} MiB, in {} s\n", before - least.all,
        (before - least.all) >> 8, Hundredths{ratio(now_ns() - begin_ns, 10'000'000)});
  if (sample == 1 && least.high != 0) return failed("the processes left high memory unused");
  return free_pages_now() == before ? passed() : failed("not all pages of the processes came back");
}

}  // namespace kmapper::kernel
