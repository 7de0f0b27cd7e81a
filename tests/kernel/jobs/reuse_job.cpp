// job=reuse: the seed's "Crash, boom", over and over, on all CPUs. Each worker has some pages, each
// with a mark of the worker. It maps a page, checks the mark, frees the page while its mapping is
// idle, allocates another page at once (often the same one, or one that another worker has just
// freed), and marks that. Workers move from CPU to CPU, and a separate thread keeps the scavenger
// busy. A TLB that was not told shows an old page: a mark is missing, or overwrites another
// worker's.
#include <array>
#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kPages = 8;  // of each worker
constexpr std::uint32_t kLastWord = kPageSize / sizeof(std::uint32_t) - 1;

// What all threads share.
struct Shared {
  std::uint32_t rounds;  // in all
  std::atomic<std::uint32_t> begun{0};
  std::atomic<bool> is_stale{false};
  std::atomic<bool> out_of_memory{false};

  // Whether the caller plays another round.
  bool begin_round() {
    return !is_stale.load(std::memory_order_relaxed) && !out_of_memory.load() &&
           begun.fetch_add(1, std::memory_order_relaxed) < rounds;
  }
  [[nodiscard]] bool is_over() const {
    return is_stale.load(std::memory_order_relaxed) ||
           begun.load(std::memory_order_relaxed) >= rounds;
  }
};

class Worker {
 public:
  void start(Shared& shared, std::uint32_t number) {
    shared_ = &shared;
    random_ = Prng(number + 1);
    next_mark_ = number << 24 | 1;
    thread_ = thread_create(
        "worker", [](void* self) { static_cast<Worker*>(self)->run(); }, this);
  }
  void join() const {
    if (thread_ != nullptr) thread_join(*thread_);
  }
  [[nodiscard]] bool runs() const { return thread_ != nullptr; }

 private:
  struct Marked {
    Page* page;
    std::uint32_t mark;
  };

  void run() {
    for (Marked& it : pages_) it = allocate();
    for (std::uint32_t round = 0; shared_->begin_round(); ++round) {
      if (round % 16 == 0) thread_move_to(CpuNumber{random_.below(cpu_count())});
      Marked& it = pages_[random_.below(kPages)];
      look(it);
      free_pages(it.page, 0);
      it = allocate();
    }
    for (const Marked& it : pages_) {
      if (it.page != nullptr) free_pages(it.page, 0);
    }
  }

  // Allocates and marks a page; its mapping is idle.
  Marked allocate() {
    const Marked made{alloc_pages(GFP_HIGHMEM, 0), next_mark_++};
    if (made.page == nullptr) {
      shared_->out_of_memory.store(true);
      return made;
    }
    if (highmem.find(made.page) != kNoSlot && !shared_->is_stale.exchange(true)) {
      print("page {} was free, and is mapped\n", page_to_pfn(made.page));
    }
    auto* const words = static_cast<volatile std::uint32_t*>(kmap(made.page));
    words[0] = made.mark;
    words[kLastWord] = made.mark;
    kunmap(made.page);
    return made;
  }

  void look(const Marked& it) {
    const auto* const words = static_cast<const volatile std::uint32_t*>(kmap(it.page));
    const std::uint32_t first = words[0];
    const std::uint32_t last = words[kLastWord];
    if ((first != it.mark || last != it.mark) && !shared_->is_stale.exchange(true)) {
      print("a stale byte: page {} at {} on CPU {} shows the marks {:x} and {:x}, not {:x}\n",
            page_to_pfn(it.page), words, this_cpu::number(), first, last, it.mark);
    }
    kunmap(it.page);
  }

  Shared* shared_ = nullptr;
  Thread* thread_ = nullptr;
  Prng random_{0};
  std::uint32_t next_mark_ = 0;
  std::array<Marked, kPages> pages_{};
};

// Maps more pages than there are slots, one after the other.
struct Scavenging {
  Shared& shared;
  const HighPages& pages;

  static void run(void* argument) {
    const auto& self = *static_cast<const Scavenging*>(argument);
    for (std::uint32_t i = 0; !self.shared.is_over(); i = (i + 1) % self.pages.all().size()) {
      (void)*static_cast<const volatile std::uint32_t*>(kmap(self.pages[i]));
      kunmap(self.pages[i]);
    }
  }
};

// Prints a line each second.
void watch(const Shared& shared) {
  for (std::uint32_t seconds = 0; !shared.is_over();) {
    thread_sleep(1);
    if (now_ns() < (seconds + 1) * 1'000'000'000ULL) continue;
    seconds = static_cast<std::uint32_t>(ratio(now_ns(), 1'000'000'000));
    print("  played {} of {} rounds\n", shared.begun.load(), shared.rounds);
  }
}

Outcome play(Shared& shared, const HighPages& pages) {
  Scavenging scavenging{shared, pages};
  Thread* const scavenger = thread_create("scavenging", Scavenging::run, &scavenging);
  if (scavenger == nullptr) return failed("no memory for a thread");
  std::array<Worker, kMaxCpus> workers;
  for (std::uint32_t i = 0; i < cpu_count(); ++i) workers[i].start(shared, i);
  watch(shared);
  for (const Worker& worker : workers) worker.join();
  thread_join(*scavenger);
  if (shared.out_of_memory.load()) return failed("out of memory");
  return shared.is_stale.load() ? failed("a page showed another's bytes") : passed();
}

/// job=reuse [rounds=N]: pages that are freed while they are mapped and allocated again at once, on
/// all CPUs.
Outcome reuse_job(const BootInfo& boot) {
  constexpr std::uint32_t kDefaultRounds = 100'000;
  constexpr std::uint32_t kMostRounds = 1U << 30;
  Shared shared{number_option(boot, "rounds", kDefaultRounds, 1, kMostRounds)};
  const HighPages pages(2 * highmem.slot_count());
  if (pages.missing()) return failed(kNoHighMemory);
  print("pages freed while they are mapped, and allocated again: {} rounds on {} CPUs\n",
        shared.rounds, cpu_count());
  const std::uint64_t begun = now_ns();
  const Outcome outcome = play(shared, pages);
  const tlb::Shootdowns shootdowns = tlb::shootdowns();
  print("  {} ms; {} shootdowns, {} IPIs, {} IPIs avoided\n", ratio(now_ns() - begun, 1'000'000),
        shootdowns.begun, shootdowns.ipis, shootdowns.ipis_avoided);
  return outcome;
}
KMAPPER_JOB("reuse", reuse_job);

}  // namespace

}  // namespace kmapper::kernel
