#include <iterator>
#include <span>
#include <string_view>

#include "arch/cpus.hpp"
#include "arch/per_cpu.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {
namespace {

std::uint64_t count(CpuNumber cpu, Event event) {
  return count_of_cpu(cpu, this_cpu::fields.events[static_cast<std::size_t>(event)]);
}

// A column of a table of 80 columns, for the screen: a number that does not fit is printed in
// thousands or millions.
struct Column {
  std::string_view name;
  std::uint32_t width;
};
constexpr Column kColumns[] = {{"hits", 8},    {"misses", 8}, {"scav.", 7},  {"IPIs", 7},
                               {"avoided", 8}, {"full", 7},   {"spaces", 7}, {"sleeps", 7},
                               {"switch", 8},  {"stolen", 7}};

std::string_view shorten(std::span<char> buffer, std::uint64_t value, std::uint32_t width) {
  std::uint64_t limit = 1;
  for (std::uint32_t i = 1; i < width; ++i) limit *= 10;
  if (value < limit) return format_to(buffer, "{}", value);
  const std::uint64_t thousands = divide(value, 1000).quotient;
  if (thousands < divide(limit, 10).quotient) return format_to(buffer, "{}k", thousands);
  return format_to(buffer, "{}M", divide(thousands, 1000).quotient);
}

void print_padded(std::string_view text, std::uint32_t width) {
  for (std::size_t size = text.size(); size < width; ++size) print(" ");
  print("{}", text);
}

void print_cpu(CpuNumber cpu) {
  constexpr PerCpu& kOwn = this_cpu::fields;
  const tlb::Shootdowns shootdowns = tlb::shootdowns_of(cpu);
  const std::uint64_t values[] = {
      count(cpu, Event::hit),           count(cpu, Event::miss),
      count(cpu, Event::scavenge),      shootdowns.ipis,
      shootdowns.ipis_avoided,          count_of_cpu(cpu, kOwn.full_flushes),
      count_of_cpu(cpu, kOwn.spaces),   count(cpu, Event::sleep),
      count_of_cpu(cpu, kOwn.switches), count_of_cpu(cpu, kOwn.steals)};
  static_assert(std::size(values) == std::size(kColumns));
  const ConsoleHeld in_one_piece;
  print("{:3}", cpu);
  for (std::size_t i = 0; i < std::size(values); ++i) {
    char buffer[24];
    print_padded(shorten(buffer, values[i], kColumns[i].width), kColumns[i].width);
  }
  print("\n");
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
  print("  INVLPGs           {:12}\n", tlb::invlpgs());
  print("  whole TLB flushes {:12}\n", sum_over_cpus(this_cpu::fields.full_flushes));
  print("CPU");
  for (const Column& column : kColumns) print_padded(column.name, column.width);
  print("\n");
  for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) print_cpu(CpuNumber{cpu});
}

}  // namespace kmapper::kernel
