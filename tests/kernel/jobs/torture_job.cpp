// job=torture: the random load of torture_player.hpp, from two threads for each CPU and from every
// CPU's timer interrupts, and the checks when it has ended.
#include <array>
#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/vmap.hpp"
#include "kernel/sched/scheduler.hpp"
#include "tests/kernel/jobs/torture_player.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kReceivers = 2;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kPatienceNs = 60 * kSecond;

constinit std::atomic<TorturePlayer*> in_interrupts{nullptr};
constinit std::array<Prng, kMaxCpus> interrupts_random{Prng(0), Prng(1), Prng(2), Prng(3),
                                                       Prng(4), Prng(5), Prng(6), Prng(7)};

void play_in_interrupt() {
  TorturePlayer* const player = in_interrupts.load();
  if (player != nullptr)
    player->play_in_interrupt(interrupts_random[to_number(this_cpu::number())]);
}

// While an object exists, interrupts play.
class InterruptsPlay {
 public:
  explicit InterruptsPlay(TorturePlayer& player) {
    in_interrupts.store(&player);
    set_interrupt_handler(Interrupt::software, play_in_interrupt);
    set_interrupt_handler(Interrupt::timer, [] {
      play_in_interrupt();
      scheduler.tick();
    });
  }
  ~InterruptsPlay() {
    set_interrupt_handler(Interrupt::timer, [] { scheduler.tick(); });
    in_interrupts.store(nullptr);
    // While a thread runs on a CPU, no interrupt handler does.
    for (std::uint32_t cpu = 0; cpu < cpu_count(); ++cpu) thread_move_to(CpuNumber{cpu});
    thread_roam();
  }
  InterruptsPlay(const InterruptsPlay&) = delete;
  InterruptsPlay& operator=(const InterruptsPlay&) = delete;
};

struct PlayingThread {
  TorturePlayer* player;
  std::uint32_t seed;
  std::uint64_t end_ns;  // 0: the thread receives
  Thread* thread;

  static void run(void* argument) {
    const auto& self = *static_cast<const PlayingThread*>(argument);
    if (self.end_ns != 0) {
      self.player->map_pages(Prng(self.seed), self.end_ns);
    } else {
      self.player->receive(Prng(self.seed));
    }
  }
};

// Waits for the threads, and prints a line each second. False: some threads do not end.
bool wait_for_end(const TorturePlayer& player, std::uint64_t end_ns) {
  std::uint64_t next_sign = now_ns() + kSecond;
  while (player.mapping_threads() != 0) {
    thread_sleep(5);
    if (now_ns() > end_ns + kPatienceNs) return false;
    if (now_ns() < next_sign) continue;
    next_sign += kSecond;
    print("  played {} operations\n", player.played());
  }
  return true;
}

Outcome run_threads(TorturePlayer& player, Prng& random, std::uint64_t end_ns) {
  std::array<PlayingThread, 2 * kMaxCpus + kReceivers> threads{};
  const std::uint32_t mapping = 2 * cpu_count();
  player.expect_mapping_threads(mapping);
  const InterruptsPlay interrupts_too(player);
  for (std::uint32_t i = 0; i < mapping + kReceivers; ++i) {
    PlayingThread& it = threads[i];
    it = {&player, random.next(), i < mapping ? end_ns : 0, nullptr};
    it.thread = thread_create("torture", PlayingThread::run, &it);
    if (it.thread == nullptr) return failed("no memory for a thread");
  }
  if (!wait_for_end(player, end_ns)) {
    (void)highmem.report_waiters(0);
    return failed("a thread does not end");
  }
  for (std::uint32_t i = 0; i < mapping + kReceivers; ++i) {
    if (thread_join(*threads[i].thread) != Ending::returned) return failed("a thread died");
  }
  return passed();
}

Outcome check_end(const TorturePages& pages) {
  for (const TorturePage& page : pages.all()) {
    if (!page.is_unused()) return failed("a page without a user is in use");
  }
  (void)flush_all_zero_pkmaps();
  for (std::uint32_t i = 0; i < highmem.slot_count(); ++i) {
    if (!highmem.is_clean(SlotIndex{i})) return failed("a slot is not clean at the end");
  }
  return passed();
}

Outcome play(std::uint32_t seconds, std::uint32_t seed) {
  Prng random(seed);
  const std::uint32_t wanted = 2 * highmem.slot_count() + 8;
  const TorturePages pages(wanted, random);
  if (pages.size() < wanted) return failed("out of memory");
  TorturePlayer player(pages);
  const Outcome played = run_threads(player, random, now_ns() + seconds * kSecond);
  print("  {} operations\n", player.played());
  if (played.has_failed()) return played;
  if (!player.fault().empty()) return failed(player.fault());
  return check_end(pages);
}

/// job=torture [seconds=N] [seed=N]: random operations from threads and interrupts on all CPUs.
Outcome torture_job(const BootInfo& boot) {
  const std::uint32_t seconds = number_option(boot, "seconds", 10, 1, 1U << 20);
  const std::uint32_t seed = number_option(boot, "seed", 1, 0, UINT32_MAX);
  print("torture: {} s, seed {}, {} CPUs, {} slots\n", seconds, seed, cpu_count(),
        highmem.slot_count());
  const PageCounts before = page_counts();
  const std::uint32_t areas = vmap_range.usage().areas;
  const Outcome outcome = play(seconds, seed);
  const Stats stats = highmem.stats();
  const tlb::Shootdowns shootdowns = tlb::shootdowns();
  print(
      "  {} hits, {} misses, {} sleeps, {} flushes of vmap, {} shootdowns, {} IPIs, {} IPIs "
      "avoided, {} threads moved\n",
      stats.hits, stats.misses, stats.sleeps, vmap_range.usage().flushes, shootdowns.begun,
      shootdowns.ipis, shootdowns.ipis_avoided, sum_over_cpus(this_cpu::fields.steals));
  if (outcome.has_failed()) return outcome;
  if (vmap_range.usage().areas != areas) return failed("areas are left");
  (void)vmap_range.free_waiting();
  return page_counts().high_free == before.high_free ? passed() : failed("pages were lost");
}
KMAPPER_JOB("torture", torture_job);

}  // namespace

}  // namespace kmapper::kernel
