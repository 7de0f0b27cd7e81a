#include "arch/cpus.hpp"
#include "arch/per_cpu.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {
namespace {

std::uint64_t count(CpuNumber cpu, Event event) {
  return count_of_cpu(cpu, this_cpu::fields.events[static_cast<std::size_t>(event)]);
}

void print_cpu(CpuNumber cpu) {
  constexpr PerCpu& kOwn = this_cpu::fields;
  const std::uint64_t ipis = count_of_cpu(cpu, kOwn.ipis);
  const std::uint64_t others = count_of_cpu(cpu, kOwn.shootdowns) * (cpu_count() - 1);
  print("  {:3} {:10} {:9} {:9} {:8} {:8} {:8} {:8} {:8} {:8} {:8}\n", cpu, count(cpu, Event::hit),
        count(cpu, Event::miss), count(cpu, Event::scavenge), ipis, others - ipis,
        count_of_cpu(cpu, kOwn.full_flushes), count_of_cpu(cpu, kOwn.spaces),
        count(cpu, Event::sleep), count_of_cpu(cpu, kOwn.switches), count_of_cpu(cpu, kOwn.steals));
}

}  // namespace

void print_statistics() {
  const Stats stats = highmem.stats();
  print("statistics\n");
  print("  hits              {:12}\n", stats.hits);
  print("  misses            {:12}\n", stats.misses);
  print("  scavenges         {:12}\n", stats.scavenges);
  print("  slots a scavenge  {:>12}\n",
        Hundredths{ratio(stats.slots_scavenged * 100, stats.scavenges)});
  print("  flushes           {:12}\n", stats.flushes);
  print("  flushes avoided   {:12}\n", stats.flushes_avoided);
  print("  sleeps            {:12}\n", stats.sleeps);
  print("  longest sleep     {:12} us\n", ratio(stats.longest_sleep_ns, 1000));
  const tlb::Shootdowns shootdowns = tlb::shootdowns();
  print("  shootdowns        {:12}\n", shootdowns.begun);
  print("  IPIs              {:12}\n", shootdowns.ipis);
  print("  IPIs avoided      {:12}\n", shootdowns.ipis_avoided);
  print("  INVLPGs           {:12}\n", sum_over_cpus(this_cpu::fields.invlpgs));
  print("  whole TLB flushes {:12}\n", sum_over_cpus(this_cpu::fields.full_flushes));
  print("  {:>3} {:>10} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "CPU", "hits",
        "misses", "scavenges", "IPIs", "avoided", "full", "spaces", "sleeps", "switches", "stolen");
  for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) print_cpu(CpuNumber{cpu});
}

}  // namespace kmapper::kernel
