// job=bench: the cost of the window's operations. An operation is: map a page, read or write one
// word of it, unmap it.
#include <algorithm>
#include <array>

#include "bench/kernel/bench.hpp"
#include "bench/kernel/page_sequences.hpp"
#include "kernel/jobs/job.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kMostPages = 65536;

// The operations on each page of a sequence.
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

// Pins all slots but `left`, by pages of its own, so that the remaining slots do all the work.
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

// Two pages that lie side by side, so that one entry of the sequence names both.
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
    for (const char* name :
         {"miss-65536", "mix-128-of-65536", "mix-99-128-of-65536", "zipf-65536", "kmap-65536"}) {
      bench.skip(name, kMostPages);
    }
    return;
  }
  bench.row<Read>("miss-65536", pages.all());
  make_mix(pages.all(), sequence.all(), 1, 90);
  bench.row<Read>("mix-128-of-65536", sequence.all());
  make_mix(pages.all(), sequence.all(), 1, 99);
  bench.row<Read>("mix-99-128-of-65536", sequence.all());
  make_zipf(pages.all(), sequence.all(), 1, costs.all());
  bench.row<Read>("zipf-65536", sequence.all());
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
  // Repeated, so that the jump back at the sequence's end counts as little here.
  for (std::uint32_t i = 0; i < kSmall; ++i) same[i] = pages[i % 256];
  bench.row<Read>("hit-256", same);
  bench.row<Read>("miss-4096", pages.all());
  bench_with_pins(bench, "pinned-256", 256, pages.all());
  bench_with_pins(bench, "pinned-448", 64, pages.all());
  bench_with_pins(bench, "pinned-496", 16, pages.all());
  bench_pair(bench, same);
}

}  // namespace

void Bench::percentiles(std::string_view name, std::span<Page* const> sequence,
                        std::span<std::uint32_t> costs) const {
  std::uint64_t clock = UINT64_MAX;  // the cost of reading the counter
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t begin = rdtsc();
    clock = std::min(clock, rdtsc() - begin);
  }
  const std::uint64_t invlpgs = tlb::invlpgs();
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const std::uint64_t begin = rdtsc();
    void* const address = kmap(sequence[i]);
    const std::uint64_t counts = rdtsc() - begin;
    (void)*static_cast<const volatile std::uint32_t*>(address);
    kunmap(sequence[i]);
    costs[i] = static_cast<std::uint32_t>(counts > clock ? counts - clock : 0);
  }
  const Cost cost{0, tlb::invlpgs() - invlpgs, 0};
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

namespace {

/// job=bench [ops=N] [unit=ns]: the cost of an operation, in counts of the time-stamp counter
/// (instructions, in a machine that counts them) or in nanoseconds.
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
  bench_local_and_vmap(bench);
  bench_big(bench, sequence, costs);
  return passed();
}
KMAPPER_JOB("bench", bench_job);

}  // namespace

}  // namespace kmapper::kernel
