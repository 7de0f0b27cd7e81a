// Several CPUs: each runs threads and wakes, a mapping is valid on all of them, and a shootdown
// reaches the CPUs that it must reach, and no others.
#include <atomic>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/scheduler.hpp"
#include "tests/kernel/self_test/self_test.hpp"
#include "tests/kernel/self_test/two_cpus.hpp"

namespace kmapper::kernel {
namespace {

std::uint32_t read_at(const void* address) {
  return *static_cast<const volatile std::uint32_t*>(address);
}
void write_at(void* address, std::uint32_t value) {
  *static_cast<volatile std::uint32_t*>(address) = value;
}

CpuNumber last_cpu() { return CpuNumber{cpu_count() - 1}; }

// While an object exists, a thread keeps a CPU from idling.
class BusyCpu {
 public:
  explicit BusyCpu(CpuNumber cpu) : cpu_(cpu) {
    thread_ = thread_create("busy", &BusyCpu::run, this);
    while (thread_ != nullptr && !runs_.load()) thread_sleep(1);
  }
  ~BusyCpu() {
    ends_.store(true);
    if (thread_ != nullptr) thread_join(*thread_);
  }
  BusyCpu(const BusyCpu&) = delete;
  BusyCpu& operator=(const BusyCpu&) = delete;

 private:
  static void run(void* argument) {
    auto& self = *static_cast<BusyCpu*>(argument);
    const StayOn here(self.cpu_);
    self.runs_.store(true);
    while (!self.ends_.load()) pause();
  }

  CpuNumber cpu_;
  Thread* thread_;
  std::atomic<bool> runs_{false};
  std::atomic<bool> ends_{false};
};

// --- Threads on CPUs ---

// A thread for each CPU, without a choice of CPU; each spins until all CPUs have been seen.
struct Spread {
  std::atomic<std::uint32_t> seen{0};

  static void run(void* argument) {
    auto& self = *static_cast<Spread*>(argument);
    const std::uint64_t end = now_ns() + 10'000'000'000;
    while (self.seen.load() != (1U << cpu_count()) - 1 && now_ns() < end) {
      self.seen.fetch_or(CpuSet(this_cpu::number()).bits());
      pause();
    }
  }
};

Outcome cpus_without_work_take_threads_from_others() {
  Spread spread;
  Thread* threads[kMaxCpus]{};
  for (std::uint32_t i = 0; i < cpu_count(); ++i) {
    threads[i] = thread_create("spread", Spread::run, &spread);
  }
  for (Thread* const thread : threads) {
    if (thread != nullptr) thread_join(*thread);
  }
  return spread.seen.load() == (1U << cpu_count()) - 1 ? passed() : failed("a CPU ran no thread");
}

Outcome a_thread_goes_where_it_is_told() {
  for (std::uint32_t i = 0; i < 3 * cpu_count(); ++i) {
    const CpuNumber cpu{i % cpu_count()};
    const StayOn here(cpu);
    if (this_cpu::number() != cpu) return failed("it runs elsewhere");
    thread_yield();
    thread_sleep(1);
    if (this_cpu::number() != cpu) return failed("it did not stay");
  }
  return passed();
}

// Two threads on different CPUs that wake each other in turn.
struct PingPong {
  static constexpr std::uint32_t kTurns = 2000;

  Spinlock lock{};
  std::uint32_t turns = 0;
  Thread* sleeps = nullptr;

  void play(std::uint32_t parity) {
    lock.lock();
    while (turns < kTurns) {
      if (turns % 2 == parity) {
        ++turns;
        if (sleeps != nullptr) scheduler.wake(*sleeps);
      }
      sleeps = this_cpu::current();
      if (turns < kTurns) scheduler.sleep(lock, now_ns() + 10'000'000'000);
    }
    lock.unlock();
  }
};

Outcome threads_on_two_cpus_wake_each_other() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  PingPong game;
  const std::uint64_t begun = now_ns();
  if (!play_on_two_cpus(game)) return failed("no memory for a thread");
  return now_ns() - begun < 10'000'000'000 ? passed() : failed("a wake-up was lost");
}

Outcome a_fault_on_another_cpu_ends_its_thread() {
  const Sacrifice thread(
      [](void*) {
        thread_move_to(last_cpu());
        write_at(nullptr, 1);
      },
      nullptr);
  char buffer[16];
  const std::string_view words[] = {"page fault", "a null pointer",
                                    format_to(buffer, "CPU {}", last_cpu())};
  return thread.expect_death(words);
}

// --- Shootdowns ---

// Maps a page, has the second CPU read it, and gives its slot to another page, which the second CPU
// then reads.
Outcome read_a_slot_that_changes_its_page() {
  const std::uint32_t slots = highmem.slot_count();
  const HighPages first(1);
  const HighPages others(slots);
  if (first.missing() || others.missing()) return skipped(kNoHighMemory);
  flush_all_zero_pkmaps();
  const StayOn here(kFirst);
  void* const address = kmap(first[0]);
  write_at(address, 4711);
  thread_move_to(kSecond);
  const bool right = read_at(address) == 4711;
  kunmap(first[0]);
  thread_move_to(kFirst);
  flush_all_zero_pkmaps();
  std::uint32_t mine = slots;
  for (std::uint32_t i = 0; i < slots; ++i) {
    void* const mapped = kmap(others[i]);
    write_at(mapped, i);
    if (mapped == address) mine = i;
  }
  thread_move_to(kSecond);
  const std::uint32_t read = read_at(address);
  for (Page* const page : others.all()) kunmap(page);
  if (!right) return failed("the mapping was not valid on the second CPU");
  if (mine == slots) return failed("no page got the slot");
  return read == mine ? passed() : failed("the second CPU read the page that had the slot before");
}

Outcome a_cpu_that_idles_between_reads_the_new_page() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  return read_a_slot_that_changes_its_page();
}

Outcome a_cpu_that_is_busy_between_reads_the_new_page() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  if (KernelPlatform::kStrict) return skipped("a strict build drops it in the second CPU's kunmap");
  const BusyCpu busy(kSecond);
  const std::uint64_t ipis = tlb::shootdowns().ipis;
  const Outcome outcome = read_a_slot_that_changes_its_page();
  if (outcome.kind() != Outcome::Kind::passed) return outcome;
  return tlb::shootdowns().ipis != ipis ? passed() : failed("it was not interrupted");
}

// A thread on the second CPU that reads a given address at once.
class Reader {
 public:
  Reader() {
    thread_ = thread_create(
        "reader", [](void* self) { static_cast<Reader*>(self)->run(); }, this);
  }
  ~Reader() {
    asked_.store(&kNothing);
    if (thread_ != nullptr) thread_join(*thread_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  [[nodiscard]] bool missing() const { return thread_ == nullptr; }
  std::uint32_t read(const void* address) {
    asked_.store(address);
    while (asked_.load() != nullptr) pause();
    return answer_;
  }

 private:
  void run() {
    const StayOn there(kSecond);
    for (;;) {
      const void* const address = asked_.load();
      if (address == &kNothing) return;
      if (address != nullptr) answer_ = read_at(address);
      if (address != nullptr) asked_.store(nullptr);
      pause();
    }
  }

  static constexpr std::uint32_t kNothing = 0;
  Thread* thread_;
  std::atomic<const void*> asked_{nullptr};
  std::uint32_t answer_ = 0;
};

// In each round one shootdown has to reach the second CPU, or it reads an old page. drop_ipi=1000,
// in a checked build, causes this: the test must fail then.
Outcome a_slot_shows_each_of_its_pages_to_another_cpu() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  constexpr std::uint32_t kRounds = 3000;
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  const StayOn here(kFirst);
  Reader reader;
  if (reader.missing()) return failed("no memory for a thread");
  flush_all_zero_pkmaps();
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    Page* const page = pages[round % 2];
    void* const address = kmap(page);
    write_at(address, round);
    const std::uint32_t read = reader.read(address);
    kunmap(page);
    if (read != round) {
      print("in round {}, {} shows what round {} wrote\n", round, address, read);
      return failed("the second CPU read a page that had the slot before");
    }
    flush_all_zero_pkmaps();
  }
  return passed();
}

// Some idle pages, mapped before, and read or not.
struct IdlePages {
  static constexpr std::uint32_t kCount = 100;

  IdlePages() : pages(highmem.slot_count() < kCount ? highmem.slot_count() : kCount) {}
  void map(bool read) const {
    flush_all_zero_pkmaps();
    for (Page* const page : pages.all()) {
      void* const address = kmap(page);
      if (read) (void)read_at(address);
      kunmap(page);
    }
  }

  HighPages pages;
};

Outcome pages_that_nobody_read_are_shot_down_nowhere() {
  const IdlePages idle;
  if (idle.pages.missing()) return skipped(kNoHighMemory);
  idle.map(false);
  const std::uint64_t begun = tlb::shootdowns().begun;
  flush_all_zero_pkmaps();
  return tlb::shootdowns().begun == begun ? passed() : failed("there was a shootdown");
}

Outcome a_batch_interrupts_each_busy_cpu_once() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  if (KernelPlatform::kStrict) return skipped("a strict build keeps no idle mapping to take back");
  const IdlePages idle;
  if (idle.pages.missing()) return skipped(kNoHighMemory);
  const StayOn here(kFirst);
  const BusyCpu busy(kSecond);
  idle.map(true);
  const tlb::Shootdowns before = tlb::shootdowns();
  flush_all_zero_pkmaps();
  const tlb::Shootdowns after = tlb::shootdowns();
  const std::uint64_t begun = after.begun - before.begun;
  if (begun == 0) return failed("no CPU was interrupted");
  if (begun > (idle.pages.all().size() - 1) / 16 + 1) return failed("there were more than batches");
  // Other CPUs may be awake for a moment, for their ticks.
  if (after.ipis - before.ipis < begun) return failed("a batch sent no IPI");
  const std::uint64_t most = begun * (cpu_count() - 1);
  return after.ipis - before.ipis <= most ? passed() : failed("a batch sent several IPIs to a CPU");
}

Outcome a_cpu_that_does_not_answer_is_named() {
  if (cpu_count() < 2) return skipped(kOneCpu);
  if (KernelPlatform::kStrict) return skipped("a strict build keeps no idle mapping to take back");
  const IdlePages idle;
  if (idle.pages.missing()) return skipped(kNoHighMemory);
  const StayOn here(kFirst);
  idle.map(true);
  std::atomic<bool> deaf{false};
  Thread* const other = thread_create(
      "deaf",
      [](void* deaf) {
        const StayOn there(kSecond);
        const InterruptsOff silence;
        static_cast<std::atomic<bool>*>(deaf)->store(true);
        const std::uint64_t end = now_ns() + 1'300'000'000;
        while (now_ns() < end) pause();
      },
      &deaf);
  if (other == nullptr) return failed("no memory for a thread");
  while (!deaf.load()) pause();
  const Sacrifice asker([](void*) { flush_all_zero_pkmaps(); }, nullptr);
  thread_join(*other);
  const std::string_view words[] = {"CPU 1 has not answered for a second: asked to drop",
                                    "\"sacrifice\""};
  return asker.expect_return(words);
}

Outcome a_page_freed_while_another_cpu_holds_it() {
  HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  struct Holder {
    Page* page;
    std::atomic<bool> holds{false};
    std::atomic<bool> ends{false};
  } holder{pages[0]};
  Thread* const other = thread_create(
      "holder",
      [](void* argument) {
        auto& self = *static_cast<Holder*>(argument);
        const StayOn there(last_cpu());
        (void)kmap(self.page);
        self.holds.store(true);
        while (!self.ends.load()) thread_sleep(1);
        kunmap(self.page);
      },
      &holder);
  if (other == nullptr) return failed("no memory for a thread");
  while (!holder.holds.load()) thread_sleep(1);
  const Sacrifice thread([](void* page) { free_pages(static_cast<Page*>(page), 0); }, pages[0]);
  holder.ends.store(true);
  thread_join(*other);
  pages.forget(0);
  const std::string_view words[] = {"a page freed while it is pinned", "\"holder\""};
  return thread.expect_death(words);
}

constexpr SelfTest kTests[] = {
    {"CPUs without work take threads from others", cpus_without_work_take_threads_from_others},
    {"a thread goes where it is told", a_thread_goes_where_it_is_told},
    {"threads on two CPUs wake each other", threads_on_two_cpus_wake_each_other},
    {"a fault on another CPU ends its thread", a_fault_on_another_cpu_ends_its_thread},
    {"a CPU that idles between reads the new page", a_cpu_that_idles_between_reads_the_new_page},
    {"a CPU that is busy between reads the new page",
     a_cpu_that_is_busy_between_reads_the_new_page},
    {"a slot shows each of its pages to another CPU",
     a_slot_shows_each_of_its_pages_to_another_cpu},
    {"pages that nobody read are shot down nowhere", pages_that_nobody_read_are_shot_down_nowhere},
    {"a batch interrupts each busy CPU once", a_batch_interrupts_each_busy_cpu_once},
    {"a CPU that does not answer is named", a_cpu_that_does_not_answer_is_named},
    {"a page freed while another CPU holds it", a_page_freed_while_another_cpu_holds_it},
};

}  // namespace

std::span<const SelfTest> cpu_tests() { return kTests; }

}  // namespace kmapper::kernel
