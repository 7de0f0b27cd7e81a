// The window and the allocator, used as they should not be: each misuse in a thread of its own,
// which must end with a report that says what, which page and which slot. The machine goes on.
#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "kernel/jobs/self_test.hpp"
#include "kernel/lib/format.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/spinlock.hpp"

namespace kmapper::kernel {
namespace {

// "page 0x28001", "slot 5": as reports name them.
class Name {
 public:
  explicit Name(Page* page) : text_(format_to(buffer_, "page {},", page_to_pfn(page))) {}
  explicit Name(SlotIndex slot) : text_(format_to(buffer_, "slot {},", slot)) {}
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  char buffer_[32];
  std::string_view text_;
};

Outcome kunmap_twice() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  kunmap(pages[0]);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread([](void* page) { kunmap(static_cast<Page*>(page)); }, pages[0]);
  const std::string_view words[] = {"kunmap of a page that nobody holds", page.text(), slot.text()};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  const auto view = highmem.inspect(highmem.find(pages[0]));
  return word::is_idle(view.word) ? passed() : failed("the slot's count is off");
}

Outcome kunmap_of_a_page_that_is_not_mapped() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  flush_all_zero_pkmaps();
  const Name page(pages[0]);
  const Sacrifice thread([](void* page) { kunmap(static_cast<Page*>(page)); }, pages[0]);
  const std::string_view words[] = {"kunmap of a page that is not mapped", page.text()};
  return thread.expect_death(words);
}

Outcome kunmap_of_a_wrong_address() {
  const Sacrifice thread(
      [](void*) {
        highmem.kunmap_address(to_pointer(kPkmapBase + highmem.slot_count() * kPageSize));
      },
      nullptr);
  const std::string_view words[] = {"kunmap of an address that no kmap returned", "address 0xf"};
  return thread.expect_death(words);
}

constinit Page* interrupt_page = nullptr;
constinit void* interrupt_address = nullptr;

Outcome kmap_from_an_interrupt_that_would_sleep() {
  const HighPages extra(1);
  const FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  interrupt_page = extra[0];
  interrupt_address = &interrupt_page;
  set_interrupt_handler(Interrupt::software, [] { interrupt_address = kmap(interrupt_page); });
  const Name page(extra[0]);
  const Sacrifice thread([](void*) { raise_software_interrupt(); }, nullptr);
  const std::string_view words[] = {"kmap where the caller may not sleep", page.text(),
                                    "an interrupt"};
  const Outcome outcome = thread.expect_return(words);
  if (outcome.has_failed()) return outcome;
  return interrupt_address == nullptr ? passed() : failed("it got an address");
}

Outcome kmap_with_preemption_off_that_would_sleep() {
  const HighPages extra(1);
  const FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  const Name page(extra[0]);
  const Sacrifice thread(
      [](void* page) {
        const PreemptionOff off;
        (void)kmap(static_cast<Page*>(page));
      },
      extra[0]);
  const std::string_view words[] = {"kmap where the caller may not sleep", page.text()};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  return may_sleep() ? passed() : failed("preemption stayed off");
}

constinit Spinlock spinlock{};

Outcome kmap_with_a_spinlock_held_that_would_sleep() {
  const HighPages extra(1);
  const FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  const Name page(extra[0]);
  const Sacrifice thread(
      [](void* page) {
        const Locked guard(spinlock);
        (void)kmap(static_cast<Page*>(page));
      },
      extra[0]);
  const std::string_view words[] = {"kmap where the caller may not sleep", page.text()};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  const Locked guard(spinlock);  // hangs if the dead thread still holds it
  return passed();
}

Outcome a_page_freed_while_it_is_pinned() {
  HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  const PageCounts before = page_counts();
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread([](void* page) { free_pages(static_cast<Page*>(page), 0); }, pages[0]);
  kunmap(pages[0]);
  const std::string_view words[] = {"a page freed while it is pinned", page.text(), slot.text(),
                                    "\"job\""};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  if (page_counts().high_free > before.high_free) return failed("the allocator has the page");
  // It stays out, even when its last user is gone.
  if (free_pages(pages[0], 0) != FreeResult::refused) return failed("it was freed later");
  pages.forget(0);
  return passed();
}

Outcome a_block_freed_while_one_page_of_it_is_pinned() {
  constexpr unsigned kOrder = 3;
  Page* const block = alloc_pages(GFP_HIGHMEM, kOrder);
  if (block == nullptr) return failed("out of memory");
  if (!is_high(block)) {
    free_pages(block, kOrder);
    return skipped(kNoHighMemory);
  }
  const PageCounts before = page_counts();
  (void)kmap(block + 5);
  const Name page(block + 5);
  const Sacrifice thread([](void* block) { free_pages(static_cast<Page*>(block), kOrder); }, block);
  kunmap(block + 5);
  const std::string_view words[] = {"a page freed while it is pinned", page.text()};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  return page_counts().high_free == before.high_free + 7
             ? passed()
             : failed("the other seven did not go back");
}

Outcome a_pin_stolen_from_another_thread() {
  if (!KernelPlatform::kChecked) return skipped("a release build cannot know");
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread([](void* page) { kunmap(static_cast<Page*>(page)); }, pages[0]);
  kunmap(pages[0]);
  const std::string_view words[] = {"kunmap of a page that only others hold", page.text(),
                                    slot.text(), "\"job\""};
  return thread.expect_death(words);
}

Outcome reserving_while_holding_a_mapping() {
  if (!KernelPlatform::kChecked) return skipped("a release build cannot know");
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Name page(pages[0]);
  const Sacrifice thread(
      [](void* page) {
        (void)kmap(static_cast<Page*>(page));
        (void)highmem.reserve(1);
      },
      pages[0]);
  const std::string_view words[] = {"reserve while its caller holds a mapping", page.text(),
                                    "1 of its pins released"};
  return thread.expect_death(words);
}

// Two threads that each hold all that the other waits for: the classic deadlock, seen and named.
Outcome the_watchdog_names_who_waits_and_who_holds() {
  const HighPages extra(1);
  FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  Thread* const waiting = thread_create(
      "waiting",
      [](void* page) {
        (void)kmap(static_cast<Page*>(page));
        kunmap(static_cast<Page*>(page));
      },
      extra[0]);
  if (waiting == nullptr) return failed("no memory for a thread");
  thread_sleep(3);
  const Sacrifice watchdog(
      [](void*) {
        (void)highmem.report_waiters(0);
        if (highmem.slot_count() <= 64) (void)highmem.report_holders(0);
      },
      nullptr);
  window.let_one_go();
  thread_join(*waiting);
  const Name page(extra[0]);
  const std::string_view words[] = {"notice: a kmap has slept for long", page.text(),
                                    "\"waiting\""};
  return watchdog.expect_return(words);
}

Outcome the_pins_of_a_dead_thread_are_released() {
  if (!KernelPlatform::kChecked) return skipped("a release build cannot know whose pin it is");
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  struct Pair {
    Page* held;
    Page* misused;
  } pair{pages[0], pages[1]};
  flush_all_zero_pkmaps();
  const Sacrifice thread(
      [](void* argument) {
        const auto& pair = *static_cast<Pair*>(argument);
        (void)kmap(pair.held);
        kunmap(pair.misused);
      },
      &pair);
  const std::string_view words[] = {"kunmap of a page that is not mapped",
                                    "1 of its pins released"};
  const Outcome outcome = thread.expect_death(words);
  if (outcome.has_failed()) return outcome;
  const auto view = highmem.inspect(highmem.find(pages[0]));
  return word::is_idle(view.word) ? passed() : failed("the page is still pinned");
}

constexpr SelfTest kTests[] = {
    {"kunmap twice", kunmap_twice},
    {"kunmap of a page that is not mapped", kunmap_of_a_page_that_is_not_mapped},
    {"kunmap of a wrong address", kunmap_of_a_wrong_address},
    {"kmap from an interrupt that would sleep", kmap_from_an_interrupt_that_would_sleep},
    {"kmap with preemption off that would sleep", kmap_with_preemption_off_that_would_sleep},
    {"kmap with a spinlock held that would sleep", kmap_with_a_spinlock_held_that_would_sleep},
    {"a page freed while it is pinned", a_page_freed_while_it_is_pinned},
    {"a block freed while one page of it is pinned", a_block_freed_while_one_page_of_it_is_pinned},
    {"a pin stolen from another thread", a_pin_stolen_from_another_thread},
    {"reserving while holding a mapping", reserving_while_holding_a_mapping},
    {"the watchdog names who waits and who holds", the_watchdog_names_who_waits_and_who_holds},
    {"the pins of a dead thread are released", the_pins_of_a_dead_thread_are_released},
};

}  // namespace

std::span<const SelfTest> misuse_tests() { return kTests; }

}  // namespace kmapper::kernel
