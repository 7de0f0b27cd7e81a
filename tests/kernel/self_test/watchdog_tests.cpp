// The watchdog's reports about the window: mappings that are held, callers that sleep, and the
// deadlock of two pages.
#include "arch/clock.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/sched/thread.hpp"
#include "tests/kernel/self_test/misuse_report.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

Outcome a_mapping_held_for_long() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  thread_sleep(5);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice watchdog([](void*) { (void)highmem.report_holders(20'000'000); }, nullptr);
  kunmap(pages[0]);
  return is_told(Misuse::held_too_long, watchdog,
                 {page.text(), slot.text(), "\"job\"", "notice: "});
}

// Two threads and two slots. Each thread maps a page, and then another while it holds the first:
// with plain kmap they wait for each other for ever, and the watchdog reports it.
struct TwoPages {
  Page* first;
  Page* second;
  std::uint32_t* holding;  // threads that have mapped their first

  static void map_one_by_one(void* argument) {
    const auto& self = *static_cast<TwoPages*>(argument);
    (void)kmap(self.first);
    for (++*self.holding; *static_cast<volatile std::uint32_t*>(self.holding) != 2;) thread_yield();
    (void)kmap(self.second);
    kunmap(self.second);
    kunmap(self.first);
  }
  static void map_both(void* argument) {
    const auto& self = *static_cast<TwoPages*>(argument);
    for (int i = 0; i < 100; ++i) {
      PageAddress<KernelPlatform> pages[] = {{self.first}, {self.second}};
      if (highmem.kmap_all(pages) != MapError::none) return;
      thread_yield();
      highmem.kunmap_all(pages);
    }
    ++*self.holding;
  }
  static void map_in_reservation(void* argument) {
    const auto& self = *static_cast<TwoPages*>(argument);
    for (int i = 0; i < 100; ++i) {
      auto reservation = highmem.reserve(2);
      if (!reservation) return;
      const bool first = static_cast<bool>(reservation->kmap(self.first));
      thread_yield();
      const bool second = static_cast<bool>(reservation->kmap(self.second));
      if (!first || !second) return;
      kunmap(self.first);
      kunmap(self.second);
    }
    ++*self.holding;
  }
};

Outcome the_watchdog_names_the_deadlock_of_two_pages() {
  constexpr std::uint32_t kMostSlots = 64;  // each has a holder, and so a line
  if (highmem.slot_count() > kMostSlots) return skipped("in windows of up to 64 slots");
  const HighPages pages(4);
  FullWindow window(2);
  if (pages.missing() || window.missing()) return skipped(kNoHighMemory);
  std::uint32_t holding = 0;
  TwoPages two[] = {{pages[0], pages[1], &holding}, {pages[2], pages[3], &holding}};
  Thread* const threads[] = {thread_create("one", TwoPages::map_one_by_one, &two[0]),
                             thread_create("other", TwoPages::map_one_by_one, &two[1])};
  if (threads[0] == nullptr || threads[1] == nullptr) return failed("no memory for a thread");
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t begun = now_ns();
  while (highmem.report_waiters(0) != 2 && now_ns() - begun < 10 * kSecond) thread_sleep(1);
  const Sacrifice watchdog(
      [](void*) {
        (void)highmem.report_waiters(0);
        (void)highmem.report_holders(0);
      },
      nullptr);
  const Name held[] = {Name(pages[0]), Name(pages[2])};
  const Name wanted[] = {Name(pages[1]), Name(pages[3])};
  const Name slots[] = {Name(highmem.find(pages[0])), Name(highmem.find(pages[2]))};
  window.let_one_go();  // end the deadlock
  for (Thread* const thread : threads) thread_join(*thread);
  const Outcome outcome = is_told(Misuse::waiting_too_long, watchdog,
                                  {wanted[0].text(), wanted[1].text(), "asked for by"});
  if (outcome.has_failed()) return outcome;
  const Outcome holders =
      is_told(Misuse::held_too_long, watchdog,
              {held[0].text(), held[1].text(), slots[0].text(), slots[1].text(), "\"one\""});
  if (holders.has_failed()) return holders;
  const std::string_view names[] = {"\"one\"", "\"other\""};
  return watchdog.expect_return(names);
}

Outcome two_pages_without_a_deadlock(Thread::Function map) {
  const HighPages pages(4);
  const FullWindow window(2);
  if (pages.missing() || window.missing()) return skipped(kNoHighMemory);
  std::uint32_t through = 0;
  TwoPages two[] = {{pages[0], pages[1], &through}, {pages[2], pages[3], &through}};
  Thread* const threads[] = {thread_create("one", map, &two[0]),
                             thread_create("other", map, &two[1])};
  if (threads[0] == nullptr || threads[1] == nullptr) return failed("no memory for a thread");
  for (Thread* const thread : threads) thread_join(*thread);
  return through == 2 ? passed() : failed("a thread could not map its pages");
}

Outcome kmap_all_of_two_pages_does_not_deadlock() {
  return two_pages_without_a_deadlock(TwoPages::map_both);
}

Outcome a_reservation_for_two_pages_does_not_deadlock() {
  return two_pages_without_a_deadlock(TwoPages::map_in_reservation);
}

constexpr SelfTest kTests[] = {
    {"a mapping held for long", a_mapping_held_for_long},
    {"the watchdog names the deadlock of two pages", the_watchdog_names_the_deadlock_of_two_pages},
    {"kmap_all of two pages does not deadlock", kmap_all_of_two_pages_does_not_deadlock},
    {"a reservation for two pages does not deadlock",
     a_reservation_for_two_pages_does_not_deadlock},
};

}  // namespace

std::span<const SelfTest> watchdog_tests() { return kTests; }

}  // namespace kmapper::kernel
