#include "arch/per_cpu.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {

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
  print("  INVLPGs           {:12}\n", sum_over_cpus(this_cpu::fields.invlpgs));
  print("  whole TLB flushes {:12}\n", sum_over_cpus(this_cpu::fields.full_flushes));
}

}  // namespace kmapper::kernel
