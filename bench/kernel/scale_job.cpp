// job=scale: the cost of the window's operations when several CPUs do them at once, each in a
// thread that stays on its CPU. A round does all rows on one CPU, then on two, then on four, so
// that other load of the host affects all of them alike; medians of the rounds are compared. With
// more CPUs than the host has cores, the rows measure the host.
#include <algorithm>
#include <array>
#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "bench/kernel/page_sequences.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kMostRounds = 99;
constexpr std::uint32_t kPages = 16384;
constexpr std::uint32_t kSequence = kPages;  // of each CPU
constexpr std::array<std::uint32_t, 3> kCpus{1, 2, 4};

using Sequence = std::array<Page*, kSequence>;

// Makes a row's sequence for one of so many CPUs.
void own_pages(std::span<Page* const> pages, std::uint32_t cpu, std::uint32_t /*cpus*/,
               Sequence& sequence) {
  constexpr std::uint32_t kOwn = 16;
  for (std::uint32_t i = 0; i < kSequence; ++i) sequence[i] = pages[cpu * kOwn + i % kOwn];
}
void one_page(std::span<Page* const> pages, std::uint32_t /*cpu*/, std::uint32_t /*cpus*/,
              Sequence& sequence) {
  sequence.fill(pages[0]);
}
void pages_in_turn(std::span<Page* const> pages, std::uint32_t cpu, std::uint32_t cpus,
                   Sequence& sequence) {
  const std::uint32_t own = static_cast<std::uint32_t>(pages.size()) / cpus;
  for (std::uint32_t i = 0; i < kSequence; ++i) sequence[i] = pages[cpu * own + i % own];
}
void mix(std::span<Page* const> pages, std::uint32_t cpu, std::uint32_t /*cpus*/,
         Sequence& sequence) {
  make_mix(pages, sequence, cpu + 1, 90);
}

// The operations on the sequence.
[[gnu::noinline]] void touch_mapped(const Sequence& sequence) {
  for (Page* const page : sequence) {
    (void)*static_cast<const volatile std::uint32_t*>(kmap(page));
    kunmap(page);
  }
}
[[gnu::noinline]] void do_nothing(const Sequence& sequence) {
  for (Page* const page : sequence) asm volatile("" ::"r"(page));
}

struct Row {
  std::string_view name;
  void (*fill)(std::span<Page* const> pages, std::uint32_t cpu, std::uint32_t cpus,
               Sequence& sequence);
  void (*lap)(const Sequence& sequence) = touch_mapped;
};
constexpr Row kRows[] = {{"loop", own_pages, do_nothing},  // the loop's own cost
                         {"hits-own-pages", own_pages},
                         {"hits-one-page", one_page},
                         {"misses", pages_in_turn},
                         {"mix", mix}};

// The events while a row was measured.
struct Counts {
  std::uint64_t misses, shootdowns, ipis, ipis_avoided, invlpgs, full_flushes;

  static Counts now() {
    const tlb::Shootdowns shootdowns = tlb::shootdowns();
    return {highmem.stats().misses, shootdowns.begun,
            shootdowns.ipis,        shootdowns.ipis_avoided,
            tlb::invlpgs(),         sum_over_cpus(this_cpu::fields.full_flushes)};
  }
  void add(const Counts& from, const Counts& to) {
    misses += to.misses - from.misses;
    shootdowns += to.shootdowns - from.shootdowns;
    ipis += to.ipis - from.ipis;
    ipis_avoided += to.ipis_avoided - from.ipis_avoided;
    invlpgs += to.invlpgs - from.invlpgs;
    full_flushes += to.full_flushes - from.full_flushes;
  }
};

// One row, on several CPUs at once.
class Race {
 public:
  Race(std::span<Page* const> pages, std::span<Sequence> sequences, std::uint32_t operations)
      : pages_(pages), sequences_(sequences), laps_((operations - 1) / kSequence + 1) {}

  /// Picoseconds for each operation of all CPUs together. 0: no memory for a thread.
  std::uint32_t run(const Row& row, std::uint32_t cpus) {
    row_ = &row;
    cpus_ = cpus;
    at_start_.store(0);
    done_.store(0);
    for (std::uint32_t i = 0; i < cpus; ++i) row.fill(pages_, i, cpus, sequences_[i]);
    std::array<Runner, kMaxCpus> runners{};
    for (std::uint32_t i = 0; i < cpus; ++i) {
      runners[i] = {this, CpuNumber{i}, 0, 0, nullptr};
      runners[i].thread = thread_create("racing", Runner::run, &runners[i]);
      if (runners[i].thread == nullptr) return 0;
    }
    std::uint64_t begin = UINT64_MAX;
    std::uint64_t end = 0;
    for (std::uint32_t i = 0; i < cpus; ++i) {
      thread_join(*runners[i].thread);
      begin = std::min(begin, runners[i].begin);
      end = std::max(end, runners[i].end);
    }
    return static_cast<std::uint32_t>(ratio((end - begin) * 1000, operations()));
  }
  [[nodiscard]] std::uint64_t operations() const {
    return std::uint64_t{cpus_} * laps_ * kSequence;
  }
  /// Includes the operations before the clock starts, whose misses and flushes are counted too.
  [[nodiscard]] std::uint64_t all_operations() const {
    return std::uint64_t{cpus_} * (laps_ + 1) * kSequence;
  }

 private:
  struct Runner {
    Race* race;
    CpuNumber cpu;
    std::uint64_t begin;
    std::uint64_t end;
    Thread* thread;

    static void run(void* argument) {
      auto& self = *static_cast<Runner*>(argument);
      thread_move_to(self.cpu);
      self.race->lap(self.cpu);  // brings the window and the caches into their usual state
      self.race->wait_for_all(self.race->at_start_);
      self.begin = now_ns();
      for (std::uint32_t i = 0; i < self.race->laps_; ++i) self.race->lap(self.cpu);
      self.end = now_ns();
      self.race->wait_for_all(self.race->done_);  // an idle CPU would spare the others an IPI
    }
  };

  void wait_for_all(std::atomic<std::uint32_t>& there) const {
    there.fetch_add(1);
    while (there.load() != cpus_) pause();
  }
  void lap(CpuNumber cpu) const { row_->lap(sequences_[to_number(cpu)]); }

  std::span<Page* const> pages_;
  std::span<Sequence> sequences_;
  std::uint32_t laps_;
  const Row* row_ = nullptr;
  std::uint32_t cpus_ = 0;
  std::atomic<std::uint32_t> at_start_{0};
  std::atomic<std::uint32_t> done_{0};
};

// The rounds of one row on so many CPUs.
struct Rounds {
  std::array<std::uint32_t, kMostRounds> picoseconds{};
  Counts counts{};
  std::uint64_t operations = 0;  // the counted operations
};

void print_result(const Row& row, std::uint32_t cpus, Rounds& result, std::uint32_t rounds) {
  const auto all = std::span(result.picoseconds).first(rounds);
  std::sort(all.begin(), all.end());
  const auto hundredths = [](std::uint32_t picoseconds) { return Hundredths{picoseconds / 10}; };
  print("scale {} cpus={} ns={} least={} most={}", row.name, cpus, hundredths(all[rounds / 2]),
        hundredths(all[0]), hundredths(all[rounds - 1]));
  const Counts& counts = result.counts;
  print(" misses={}", Hundredths{ratio(counts.misses * 100'000, result.operations)});
  const auto per_1000_misses = [&counts](std::uint64_t n) {
    return Hundredths{ratio(n * 100'000, counts.misses)};
  };
  if (counts.misses > 1000) {
    print(" shootdowns={} ipis={} avoided={} invlpgs={} full={}",
          per_1000_misses(counts.shootdowns), per_1000_misses(counts.ipis),
          per_1000_misses(counts.ipis_avoided), per_1000_misses(counts.invlpgs),
          per_1000_misses(counts.full_flushes));
  }
  print("\n");
}

/// job=scale [rounds=N] [ops=N]: the cost of operations in nanoseconds on one, two and four CPUs at
/// once, and their shootdowns.
Outcome scale_job(const BootInfo& boot) {
  const std::uint32_t rounds = number_option(boot, "rounds", 9, 1, kMostRounds);
  const std::uint32_t operations = number_option(boot, "ops", 65536, 1, 1U << 30);
  static constinit std::array<Sequence, kMaxCpus> sequences{};
  static constinit std::array<std::array<Rounds, kCpus.size()>, std::size(kRows)> results{};
  const HighPages pages(kPages);
  if (pages.missing()) return failed(kNoHighMemory);
  print("{} rounds of {} operations on each CPU; {} slots\n", rounds, operations,
        highmem.slot_count());
  Race race(pages.all(), sequences, operations);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (std::size_t row = 0; row < std::size(kRows); ++row) {
      for (std::size_t i = 0; i < kCpus.size() && kCpus[i] <= cpu_count(); ++i) {
        Rounds& result = results[row][i];
        const Counts before = Counts::now();
        result.picoseconds[round] = race.run(kRows[row], kCpus[i]);
        if (result.picoseconds[round] == 0) return failed("no memory for a thread");
        result.counts.add(before, Counts::now());
        result.operations += race.all_operations();
      }
    }
  }
  for (std::size_t row = 0; row < std::size(kRows); ++row) {
    for (std::size_t i = 0; i < kCpus.size() && kCpus[i] <= cpu_count(); ++i)
      print_result(kRows[row], kCpus[i], results[row][i], rounds);
  }
  return passed();
}
KMAPPER_JOB("scale", scale_job);

}  // namespace

}  // namespace kmapper::kernel
