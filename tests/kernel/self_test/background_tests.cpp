// The background scavenger: it keeps its reserve, and leaves an unused window alone.
#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/mm/background_scavenger.hpp"
#include "kernel/mm/highmem.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

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

// Whether there are enough after a second at most: CPUs may be slow to get their ticks.
bool reserve_is_there_soon() {
  for (std::uint32_t i = 0; i < kTicksPerSecond; ++i) {
    if (clean_slots() >= reserve_of_clean_slots()) return true;
    thread_sleep(1);
  }
  return false;
}

Outcome after_a_burst_of_misses_the_next_ones_scavenge_nothing() {
  const HighPages burst(2 * highmem.slot_count());
  // Half of the reserve: other threads may be filling or emptying the other half's leaf.
  const HighPages next(reserve_of_clean_slots() / 2);
  if (burst.missing() || next.missing()) return skipped(kNoHighMemory);
  for (Page* const page : burst.all()) touch(page);
  if (!reserve_is_there_soon()) return failed("too few slots are clean");
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
  if (!reserve_is_there_soon()) return failed("too few slots are clean");
  thread_sleep(20);
  // Each CPU may have begun its last batch when there were nearly enough.
  constexpr std::uint32_t kBatch = 32;
  return clean_slots() <= reserve_of_clean_slots() + cpu_count() * kBatch
             ? passed()
             : failed("it lost more than the reserve");
}

constexpr SelfTest kTests[] = {
    {"after a burst of misses the next ones scavenge nothing",
     after_a_burst_of_misses_the_next_ones_scavenge_nothing},
    {"a window that rests keeps its mappings", a_window_that_rests_keeps_its_mappings},
};

}  // namespace

std::span<const SelfTest> background_tests() { return kTests; }

}  // namespace kmapper::kernel
