// How operations are measured. An operation is done on each page of a sequence that is made
// beforehand, so that the choice of pages costs the same in every row. The same loop without the
// operation is measured too, and subtracted. The cheapest of several batches counts, because
// interrupts only add.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "arch/clock.hpp"
#include "arch/cpu.hpp"
#include "arch/per_cpu.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {

/// Counts of the time-stamp counter, and of TLB events in that time.
struct Cost {
  std::uint64_t counts;
  std::uint64_t invlpgs;
  std::uint64_t full_flushes;
};

/// The empty operation: measures the loop alone.
struct Nothing {
  static void run(Page* page) { asm volatile("" ::"r"(page)); }
};

template <class Operation>
[[gnu::noinline]] Cost run_batch(std::span<Page* const> sequence, std::uint32_t rounds) {
  const std::uint64_t invlpgs = tlb::invlpgs();
  const std::uint64_t full_flushes = sum_over_cpus(this_cpu::fields.full_flushes);
  const std::uint64_t begin = rdtsc();
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (Page* const page : sequence) Operation::run(page);
  }
  const std::uint64_t counts = rdtsc() - begin;
  return {counts, tlb::invlpgs() - invlpgs,
          sum_over_cpus(this_cpu::fields.full_flushes) - full_flushes};
}

template <class Operation>
Cost cheapest_batch(std::span<Page* const> sequence, std::uint32_t rounds, std::uint32_t batches) {
  (void)run_batch<Operation>(sequence,
                             1);  // brings the window and the caches into their usual state
  Cost best{UINT64_MAX, 0, 0};
  for (std::uint32_t i = 0; i < batches; ++i) {
    const Cost cost = run_batch<Operation>(sequence, rounds);
    if (cost.counts < best.counts) best = cost;
  }
  return best;
}

/// Measures operations, and prints a row for each.
class Bench {
 public:
  explicit Bench(const BootInfo& boot)
      : operations_(number_option(boot, "ops", kUsualOperations, 1, 1U << 30)),
        batches_(number_option(boot, "batches", 5, 1, 1000)),
        in_ns_(find_word(boot.command_line, "unit") == "ns") {
    const char* const unit = in_ns_ ? "ns" : "counts of the time-stamp counter";
    print("unit {}; {} slots; {} counts a second\n", unit, highmem.slot_count(), tsc_per_second());
  }

  /// One row: the operation on each page of the sequence in turn.
  template <class Operation>
  void row(std::string_view name, std::span<Page* const> sequence) const {
    const auto length = static_cast<std::uint32_t>(sequence.size());
    const std::uint32_t rounds = (operations_ - 1) / length + 1;
    const Cost loop = cheapest_batch<Nothing>(sequence, rounds, batches_);
    const Cost cost = cheapest_batch<Operation>(sequence, rounds, batches_);
    const std::uint64_t operations = std::uint64_t{rounds} * length;
    const std::uint64_t counts = cost.counts > loop.counts ? cost.counts - loop.counts : 0;
    print_row(name, in_unit(counts * 100, operations), cost, operations);
  }

  /// The cost of single calls of kmap, including the rarest.
  void percentiles(std::string_view name, std::span<Page* const> sequence,
                   std::span<std::uint32_t> costs) const;

  void skip(std::string_view name, std::uint32_t pages) const {
    print("skip {}: it takes {} pages of high memory; {} are free\n", name, pages,
          page_counts().high_free);
  }

 private:
  static constexpr std::uint32_t kUsualOperations = 65536;

  // The counts for each operation, in the requested unit.
  [[nodiscard]] std::uint64_t in_unit(std::uint64_t counts, std::uint64_t operations) const {
    if (!in_ns_) return ratio(counts, operations);
    return ratio(ratio(counts, operations) * 1'000'000'000, tsc_per_second());
  }
  static void print_row(std::string_view name, std::uint64_t hundredths, const Cost& cost,
                        std::uint64_t operations) {
    print("bench {} {} invlpg/1000={} full/1000={}\n", name, Hundredths{hundredths},
          Hundredths{ratio(cost.invlpgs * 100'000, operations)},
          Hundredths{ratio(cost.full_flushes * 100'000, operations)});
  }

  std::uint32_t operations_;  // in a batch, rounded up to whole rounds
  std::uint32_t batches_;     // the cheapest counts
  bool in_ns_;
};

/// The rows of kmap_local, of the operations built on it, and of vmap.
void bench_local_and_vmap(const Bench& bench);

}  // namespace kmapper::kernel
