// job=bench: what the window's operations cost. An operation is: map a page, read or write one word
// of it, unmap it. Pages come from a sequence that is made beforehand, so that choosing them costs
// the same in every row; the same loop without the operation is measured too, and subtracted. Of
// several batches the cheapest counts: interrupts only ever add.
#include <algorithm>
#include <array>

#include "arch/clock.hpp"
#include "arch/cpu.hpp"
#include "arch/per_cpu.hpp"
#include "kernel/jobs/jobs.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/jobs/self_test.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kMostPages = 65536;
constexpr int kBatches = 5;

// What is done with each page of a sequence.
struct Nothing {
  static void run(Page* page) { asm volatile("" ::"r"(page)); }
};
struct Read {
  static void run(Page* page) {
    (void)*static_cast<const volatile std::uint32_t*>(kmap(page));
    kunmap(page);
  }
};
struct Write {
  static void run(Page* page) {
    *static_cast<volatile std::uint32_t*>(kmap(page)) = 1;
    kunmap(page);
  }
};

struct ReadTwo {
  static void run(Page* page) {
    PageAddress<KernelPlatform> pages[] = {{page}, {page + 1}};
    if (highmem.kmap_all(pages) != MapError::none) return;
    (void)*static_cast<const volatile std::uint32_t*>(pages[0].address);
    (void)*static_cast<const volatile std::uint32_t*>(pages[1].address);
    highmem.kunmap_all(pages);
  }
};

// Counts of the time-stamp counter, and what happened to the TLB meanwhile.
struct Cost {
  std::uint64_t counts;
  std::uint64_t invlpgs;
  std::uint64_t full_flushes;
};

template <class Operation>
[[gnu::noinline]] Cost run_batch(std::span<Page* const> sequence, std::uint32_t rounds) {
  const std::uint64_t invlpgs = sum_over_cpus(this_cpu::fields.invlpgs);
  const std::uint64_t full_flushes = sum_over_cpus(this_cpu::fields.full_flushes);
  const std::uint64_t begin = rdtsc();
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (Page* const page : sequence) Operation::run(page);
  }
  const std::uint64_t counts = rdtsc() - begin;
  return {counts, sum_over_cpus(this_cpu::fields.invlpgs) - invlpgs,
          sum_over_cpus(this_cpu::fields.full_flushes) - full_flushes};
}

template <class Operation>
Cost cheapest_batch(std::span<Page* const> sequence, std::uint32_t rounds) {
  (void)run_batch<Operation>(sequence, 1);  // the window and the caches as they will be
  Cost best{UINT64_MAX, 0, 0};
  for (int i = 0; i < kBatches; ++i) {
    const Cost cost = run_batch<Operation>(sequence, rounds);
    if (cost.counts < best.counts) best = cost;
  }
  return best;
}

class Bench {
 public:
  explicit Bench(const BootInfo& boot)
      : operations_(number_option(boot, "ops", kMostPages, 1, 1U << 30)),
        in_ns_(find_word(boot.command_line, "unit") == "ns") {
    const char* const unit = in_ns_ ? "ns" : "counts of the time-stamp counter";
    print("unit {}; {} slots; {} counts a second\n", unit, highmem.slot_count(), tsc_per_second());
  }

  // One row: the operation on each page of the sequence in turn.
  template <class Operation>
  void row(std::string_view name, std::span<Page* const> sequence) const {
    const auto length = static_cast<std::uint32_t>(sequence.size());
    const std::uint32_t rounds = (operations_ - 1) / length + 1;
    const Cost loop = cheapest_batch<Nothing>(sequence, rounds);
    const Cost cost = cheapest_batch<Operation>(sequence, rounds);
    const std::uint64_t operations = std::uint64_t{rounds} * length;
    const std::uint64_t counts = cost.counts > loop.counts ? cost.counts - loop.counts : 0;
    print_row(name, in_unit(counts * 100, operations), cost, operations);
  }

  // What single calls of kmap cost, the rarest ones too.
  void percentiles(std::string_view name, std::span<Page* const> sequence,
                   std::span<std::uint32_t> costs) const;

  void skip(std::string_view name, std::uint32_t pages) const {
    print("skip {}: it takes {} pages of high memory; {} are free\n", name, pages,
          page_counts().high_free);
  }

 private:
  // `counts`, shared out among the operations, in the unit that was asked for.
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
  bool in_ns_;
};

void Bench::percentiles(std::string_view name, std::span<Page* const> sequence,
                        std::span<std::uint32_t> costs) const {
  std::uint64_t clock = UINT64_MAX;  // what reading the counter costs itself
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t begin = rdtsc();
    clock = std::min(clock, rdtsc() - begin);
  }
  const std::uint64_t invlpgs = sum_over_cpus(this_cpu::fields.invlpgs);
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const std::uint64_t begin = rdtsc();
    void* const address = kmap(sequence[i]);
    const std::uint64_t counts = rdtsc() - begin;
    (void)*static_cast<const volatile std::uint32_t*>(address);
    kunmap(sequence[i]);
    costs[i] = static_cast<std::uint32_t>(counts > clock ? counts - clock : 0);
  }
  const Cost cost{0, sum_over_cpus(this_cpu::fields.invlpgs) - invlpgs, 0};
  std::sort(costs.begin(), costs.end());
  struct Rank {
    std::string_view name;
    std::uint32_t per_mille;
  };
  constexpr Rank kRanks[] = {{"p50", 500}, {"p99", 990}, {"p99.9", 999}, {"max", 1000}};
  for (const Rank& rank : kRanks) {
    const std::size_t at = std::min(costs.size() * rank.per_mille / 1000, costs.size() - 1);
    char buffer[48];
    print_row(format_to(buffer, "{}-{}", name, rank.name),
              in_unit(std::uint64_t{costs[at]} * 100, 1), cost, sequence.size());
  }
}

// Low memory for kMostPages entries of one word each.
template <class T>
class Array {
 public:
  Array() : memory_(get_free_pages(GFP_KERNEL, kOrder)) {}
  ~Array() {
    if (memory_) free_pages(direct_to_page(*memory_), kOrder);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  [[nodiscard]] bool missing() const { return !memory_; }
  [[nodiscard]] std::span<T> all() const { return {static_cast<T*>(*memory_), kMostPages}; }

 private:
  static constexpr unsigned kOrder = 6;
  static_assert(kPageSize << kOrder == kMostPages * sizeof(std::uint32_t));
  Result<void*, AllocError> memory_;
};

// 90 of 100 accesses go to the first 128 pages, the others anywhere.
void make_mix(std::span<Page* const> pages, std::span<Page*> sequence) {
  constexpr std::uint32_t kHotPages = 128;
  Prng random(1);
  for (Page*& page : sequence) {
    const bool hot = random.below(100) < 90;
    page = pages[random.below(hot ? kHotPages : static_cast<std::uint32_t>(pages.size()))];
  }
}

// All but `left` slots pinned, by pages of its own, and those made to do all the work.
void bench_with_pins(const Bench& bench, std::string_view name, std::uint32_t left,
                     std::span<Page* const> sequence) {
  const std::uint32_t slots = highmem.slot_count();
  if (slots <= left) return;
  const HighPages pinned(slots - left);
  if (pinned.missing()) return bench.skip(name, slots - left);
  for (Page* const page : pinned.all()) (void)kmap(page);
  bench.row<Read>(name, sequence);
  for (Page* const page : pinned.all()) kunmap(page);
}

// Two pages that lie side by side, so that both are known from one entry of the sequence.
void bench_pair(const Bench& bench, std::span<Page*> sequence) {
  Page* const pair = alloc_pages(GFP_HIGHMEM, 1);
  if (pair == nullptr || !is_high(pair)) return bench.skip("kmap-all-2", 2);
  std::fill(sequence.begin(), sequence.end(), pair);
  bench.row<ReadTwo>("kmap-all-2", sequence);
  free_pages(pair, 1);
}

void bench_big(const Bench& bench, const Array<Page*>& sequence,
               const Array<std::uint32_t>& costs) {
  const HighPages pages(kMostPages);
  if (pages.missing()) {
    for (const char* name : {"miss-65536", "mix-128-of-65536", "kmap-65536"}) {
      bench.skip(name, kMostPages);
    }
    return;
  }
  bench.row<Read>("miss-65536", pages.all());
  make_mix(pages.all(), sequence.all());
  bench.row<Read>("mix-128-of-65536", sequence.all());
  bench.percentiles("kmap-65536", pages.all(), costs.all());
}

void bench_small(const Bench& bench, std::span<Page*> sequence) {
  constexpr std::uint32_t kSmall = 4096;
  const HighPages pages(kSmall);
  if (pages.missing()) {
    for (const char* name : {"hit", "hit-write", "hit-256", "miss-4096"}) bench.skip(name, kSmall);
    return;
  }
  const std::span<Page*> same = sequence.first(kSmall);
  std::fill(same.begin(), same.end(), pages[0]);
  bench.row<Read>("hit", same);
  bench.row<Write>("hit-write", same);
  // Repeated, so that the turn at the sequence's end weighs nothing here either.
  for (std::uint32_t i = 0; i < kSmall; ++i) same[i] = pages[i % 256];
  bench.row<Read>("hit-256", same);
  bench.row<Read>("miss-4096", pages.all());
  bench_with_pins(bench, "pinned-448", 64, pages.all());
  bench_with_pins(bench, "pinned-496", 16, pages.all());
  bench_pair(bench, same);
}

}  // namespace

Outcome bench_job(const BootInfo& boot) {
  const Bench bench(boot);
  const Array<Page*> sequence;
  const Array<std::uint32_t> costs;
  Page* const low = alloc_pages(GFP_KERNEL, 0);
  if (sequence.missing() || costs.missing() || low == nullptr) return failed("out of memory");
  const std::span<Page*> same = sequence.all().first(4096);
  std::fill(same.begin(), same.end(), low);
  bench.row<Read>("lowmem", same);
  free_pages(low, 0);
  bench_small(bench, sequence.all());
  bench_big(bench, sequence, costs);
  return passed();
}

}  // namespace kmapper::kernel
