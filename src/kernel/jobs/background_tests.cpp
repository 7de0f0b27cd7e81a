// The background scavenger: that it keeps its reserve, and lets a window rest that nobody needs
// more of.
#include "arch/cpus.hpp"
#include "kernel/jobs/self_test.hpp"
#include "kernel/mm/background_scavenger.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kAMoment = 3;  // ticks; its own CPU idles at once when the test sleeps

void touch(Page* page) {
  (void)*static_cast<const volatile std::uint32_t*>(kmap(page));
  kunmap(page);
}

std::uint32_t clean_slots() {
  std::uint32_t clean = 0;
  for (std::uint32_t i = 0; i < highmem.slot_count(); ++i) {
    if (highmem.is_clean(SlotIndex{i})) ++clean;
  }
  return clean;
}

Outcome after_a_burst_of_misses_the_next_ones_scavenge_nothing() {
  const std::uint32_t reserve = reserve_of_clean_slots();
  const HighPages burst(2 * highmem.slot_count());
  const HighPages next(reserve / 2);  // others may be filling or emptying the rest's leaf
  if (burst.missing() || next.missing()) return skipped(kNoHighMemory);
  for (Page* const page : burst.all()) touch(page);
  thread_sleep(kAMoment);
  if (clean_slots() < reserve) return failed("too few slots are clean");
  thread_move_to(this_cpu::number());
  const std::uint64_t& scavenges =
      this_cpu::fields.events[static_cast<std::size_t>(Event::scavenge)];
  const std::uint64_t before = count_of_cpu(this_cpu::number(), scavenges);
  for (Page* const page : next.all()) touch(page);
  const std::uint64_t after = count_of_cpu(this_cpu::number(), scavenges);
  thread_roam();
  return after == before ? passed() : failed("a miss scavenged");
}

Outcome a_window_that_rests_keeps_its_mappings() {
  const HighPages pages(highmem.slot_count());
  if (pages.missing()) return skipped(kNoHighMemory);
  for (Page* const page : pages.all()) touch(page);
  thread_sleep(kAMoment);
  // Each CPU may have begun its last batch when there was nearly enough.
  constexpr std::uint32_t kBatch = 32;
  if (clean_slots() > reserve_of_clean_slots() + cpu_count() * kBatch) {
    return failed("it lost more than the reserve");
  }
  const std::uint64_t scavenged = highmem.stats().slots_scavenged;
  thread_sleep(3 * kAMoment);
  return highmem.stats().slots_scavenged == scavenged ? passed() : failed("it lost some later");
}

constexpr SelfTest kTests[] = {
    {"after a burst of misses the next ones scavenge nothing",
     after_a_burst_of_misses_the_next_ones_scavenge_nothing},
    {"a window that rests keeps its mappings", a_window_that_rests_keeps_its_mappings},
};

}  // namespace

std::span<const SelfTest> background_tests() { return kTests; }

}  // namespace kmapper::kernel
