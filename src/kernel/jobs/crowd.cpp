// More threads than slots. In the first round each thread maps a page and keeps it until every slot
// is taken and the other threads wait in kmap: these must sleep, and all must be woken. In the
// following rounds the threads map and unmap freely. Each thread writes its number into its page,
// and checks it every time.
#include <algorithm>
#include <atomic>

#include "arch/clock.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kRounds = 3;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;

// What all threads share.
struct Gate {
  std::atomic<std::uint32_t> asking{
      0};  // threads that have called kmap for the first time, or soon will
  std::atomic<std::uint32_t> mapped{0};    // those whose first kmap returned
  std::atomic<std::uint32_t> finished{0};  // threads that are done
  std::atomic<std::uint32_t> wrong{0};     // pages that did not hold what was written
  std::atomic<bool> open{false};           // threads that hold a page may unmap it
};

struct Member {
  Gate* gate;
  Page* page;
  Thread* thread;
};

void hold_in_first_round(Gate& gate) {
  gate.mapped.fetch_add(1);
  while (!gate.open.load()) thread_sleep(1);
}

void live(void* argument) {
  const auto& self = *static_cast<const Member*>(argument);
  const std::uint32_t number = to_number(page_to_pfn(self.page));
  self.gate->asking.fetch_add(1);
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    auto* const word = static_cast<volatile std::uint32_t*>(kmap(self.page));
    if (round == 0) *word = number;
    if (round == 0) hold_in_first_round(*self.gate);
    thread_yield();
    if (*word != number) self.gate->wrong.fetch_add(1);
    kunmap(self.page);
  }
  self.gate->finished.fetch_add(1);
}

// Waits until the counter has reached its aim. False: it took too long.
bool wait_for(const std::atomic<std::uint32_t>& counter, std::uint32_t aim) {
  const std::uint64_t end = now_ns() + kPatienceNs;
  while (counter.load() < aim) {
    if (now_ns() > end) return false;
    thread_sleep(1);
  }
  return true;
}

class Crowd {
 public:
  explicit Crowd(std::span<Member> members) : members_(members) {}

  // Starts as many threads, with a page each, as there is memory for.
  void start(Gate& gate) {
    for (Member& member : members_) {
      member.gate = &gate;
      member.page = alloc_pages(GFP_HIGHMEM, 0);
      if (member.page == nullptr) return report_out_of_memory(GFP_HIGHMEM, 0);
      member.thread = thread_create("crowd", live, &member);
      if (member.thread == nullptr) {
        free_pages(member.page, 0);
        return report_out_of_memory(GFP_KERNEL, 0);
      }
      ++size_;
      if (is_high(member.page)) ++high_;
    }
  }
  void join() {
    for (const Member& member : members_.first(size_)) {
      thread_join(*member.thread);
      free_pages(member.page, 0);
    }
  }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] std::uint32_t high() const { return high_; }  // threads whose page needs a slot

 private:
  std::span<Member> members_;
  std::uint32_t size_ = 0;
  std::uint32_t high_ = 0;
};

Outcome run(Crowd& crowd) {
  const std::uint32_t slots = highmem.slot_count();
  const Stats before = highmem.stats();
  Gate gate;
  crowd.start(gate);
  const std::uint32_t sleepers = crowd.high() > slots ? crowd.high() - slots : 0;
  print("a crowd: {} threads, {} slots, {} pages of high memory\n", crowd.size(), slots,
        crowd.high());
  if (!wait_for(gate.asking, crowd.size()) || !wait_for(gate.mapped, crowd.size() - sleepers)) {
    print("  {} threads ask, {} have a slot\n", gate.asking.load(), gate.mapped.load());
    return failed("a thread got no slot although one was free");
  }
  thread_sleep(2);  // the rest are about to fall asleep
  if (gate.mapped.load() > crowd.size() - sleepers)
    return failed("more pages than slots were mapped");
  gate.open.store(true);
  if (!wait_for(gate.finished, crowd.size())) {
    print("  {} of {} threads finished\n", gate.finished.load(), crowd.size());
    return failed("a thread was not woken");
  }
  crowd.join();
  const Stats after = highmem.stats();
  print("  all finished; {} sleeps, the longest {} ms\n", after.sleeps - before.sleeps,
        ratio(after.longest_sleep_ns, 1'000'000));
  if (gate.wrong.load() != 0) return failed("a thread found another's data in its page");
  if (after.sleeps - before.sleeps < sleepers) return failed("too few threads slept");
  if (sleepers == 0) print("  no thread had to sleep: there are not enough pages of high memory\n");
  return passed();
}

}  // namespace

Outcome crowd_the_window() {
  const std::uint32_t wanted = highmem.slot_count() + std::max(highmem.slot_count() / 8, 8U);
  unsigned order = 0;
  while (kPageSize << order < wanted * sizeof(Member)) ++order;
  const auto memory = get_free_pages(GFP_KERNEL, order);
  if (!memory) return failed(describe(memory.error()));
  Crowd crowd({static_cast<Member*>(*memory), wanted});
  const Outcome outcome = run(crowd);
  // A thread that did not finish may still use its memory.
  if (!outcome.has_failed()) free_pages(direct_to_page(*memory), order);
  return outcome;
}

}  // namespace kmapper::kernel
