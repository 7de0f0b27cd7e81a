// job=user: what misses on one CPU cost programs that run in ring 3 on all others. In turn, rounds
// in which the first CPU hits all the time, and rounds in which it misses.
#include <algorithm>
#include <array>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/jobs/process_group.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kMostRounds = 99;
constexpr std::uint32_t kPages = 16384;

// One program for each CPU but the first.
StartError start(ProcessGroup& programs, std::uint32_t steps) {
  char arguments[16];
  const std::string_view count = format_to(arguments, "{}", steps);
  StartError error = StartError::none;
  for (std::uint32_t cpu = 1; cpu < cpu_count() && error == StartError::none; ++cpu)
    error = programs.start("spin", count);
  return error;
}

struct Round {
  std::uint64_t ns;  // until the last program has ended
  std::uint64_t misses, ipis;
};

Round play(ProcessGroup& programs, const HighPages& pages, bool misses) {
  const std::uint64_t misses_before = highmem.stats().misses;
  const std::uint64_t ipis_before = tlb::shootdowns().ipis;
  const std::uint64_t begun = now_ns();
  for (std::uint32_t at = 0; !programs.have_ended();) {
    for (std::uint32_t i = 0; i < 256; ++i) {
      if (misses) at = (at + 1) % kPages;
      (void)*static_cast<const volatile std::uint32_t*>(kmap(pages[at]));
      kunmap(pages[at]);
    }
  }
  const Round round{now_ns() - begun, highmem.stats().misses - misses_before,
                    tlb::shootdowns().ipis - ipis_before};
  (void)programs.wait();
  return round;
}

/// job=user [rounds=N] [steps=N]: the time of programs of so many million steps beside a CPU that
/// hits, and beside one that misses; and its interrupts.
Outcome user_job(const BootInfo& boot) {
  const std::uint32_t rounds = number_option(boot, "rounds", 9, 1, kMostRounds);
  const std::uint32_t steps = number_option(boot, "steps", 100, 1, 10'000);
  static constinit std::array<std::array<std::uint64_t, kMostRounds>, 2> times{};
  if (cpu_count() < 2) return failed("it needs two CPUs");
  const HighPages pages(kPages);
  if (pages.missing()) return failed(kNoHighMemory);
  ProcessGroup programs;
  Round all{};
  thread_move_to(CpuNumber{0});
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (const bool misses : {false, true}) {
      const StartError error = start(programs, steps);
      if (error != StartError::none) return failed(describe(error));
      const Round played = play(programs, pages, misses);
      times[misses ? 1 : 0][round] = played.ns;
      if (!misses) continue;
      all.misses += played.misses;
      all.ipis += played.ipis;
    }
  }
  thread_roam();
  for (auto& one : times) std::sort(one.begin(), one.begin() + rounds);
  const std::uint64_t hits = times[0][rounds / 2];
  const std::uint64_t misses = times[1][rounds / 2];
  print("scale user cpus={} hits_us={} misses_us={} times={} misses={} ipis={}\n", cpu_count(),
        ratio(hits, 1'000), ratio(misses, 1'000), Hundredths{ratio(misses * 100, hits)}, all.misses,
        Hundredths{ratio(all.ipis * 100'000, std::max<std::uint64_t>(all.misses, 1))});
  return passed();
}
KMAPPER_JOB("user", user_job);

}  // namespace

}  // namespace kmapper::kernel
