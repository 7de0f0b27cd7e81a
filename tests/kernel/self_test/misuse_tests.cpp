// Misuse of the window and the allocator: each in a thread of its own, which must end with a
// complete report. The machine goes on.
#include "arch/cpu.hpp"
#include "arch/interrupts.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/spinlock.hpp"
#include "kmapper/core/mapping.hpp"
#include "tests/kernel/self_test/misuse_report.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

void kunmap_it(void* page) { kunmap(static_cast<Page*>(page)); }

Outcome kunmap_twice() {
  if (KernelPlatform::kStrict) return skipped(kStrictKeepsNothing);
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  kunmap(pages[0]);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread(kunmap_it, pages[0]);
  const Outcome outcome =
      dies_of(Misuse::kunmap_below_idle, thread, {page.text(), slot.text(), "\"job\""});
  if (outcome.has_failed()) return outcome;
  const auto view = highmem.inspect(highmem.find(pages[0]));
  return word::is_idle(view.word) ? passed() : failed("the slot's count is wrong");
}

Outcome kunmap_of_a_page_that_is_not_mapped() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  flush_all_zero_pkmaps();
  const Name page(pages[0]);
  const Sacrifice thread(kunmap_it, pages[0]);
  return dies_of(Misuse::kunmap_not_mapped, thread, {page.text(), "thread"});
}

Outcome kunmap_of_a_wrong_address() {
  const Sacrifice thread(
      [](void*) {
        highmem.kunmap_address(to_pointer(kPkmapBase + highmem.slot_count() * kPageSize));
        go_on();
      },
      nullptr);
  return dies_of(Misuse::kunmap_wrong_address, thread, {"address 0xf"});
}

Outcome a_second_open_of_the_window() {
  const std::uint32_t slots = highmem.slot_count();
  const Sacrifice thread(
      [](void*) {
        highmem.open(KernelPlatform::kMaxSlots + 1);
        go_on();
      },
      nullptr);
  const Outcome outcome =
      dies_of(Misuse::wrong_open, thread, {"8193 slots of 8192 at most", "thread"});
  if (outcome.has_failed()) return outcome;
  return highmem.slot_count() == slots ? passed() : failed("it changed the window");
}

// A handle differs from the next mapping in its slot, of another page or of the same page again.
// They have only one slot.
struct Handle {
  Page* page;
  Page* next;  // a thread maps it in the slot afterwards
  SlotIndex slot = kNoSlot;
  SlotIndex next_slot = kNoSlot;

  static void use_stale(void* argument) {
    auto& self = *static_cast<Handle*>(argument);
    const Mapping<KernelPlatform> mapping(highmem, self.page);
    self.slot = highmem.find(self.page);
    kunmap(self.page);
    flush_all_zero_pkmaps();
    if (self.next != nullptr) (void)kmap(self.next);
    if (self.next != nullptr) self.next_slot = highmem.find(self.next);
    (void)mapping.address();
  }
};

Outcome use_after_kunmap_of(Page* page, Page* next) {
  Handle handle{page, next};
  const Sacrifice thread(Handle::use_stale, &handle);
  const Name name(page);
  const Name slot(handle.slot);
  const Outcome outcome =
      dies_of(Misuse::use_after_kunmap, thread, {name.text(), slot.text(), "\"sacrifice\""});
  if (outcome.has_failed() || next == nullptr) return outcome;
  return handle.next_slot == handle.slot ? passed() : failed("its slot was not used again");
}

Outcome use_of_a_handle_after_its_kunmap() {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages pages(1);
  return pages.missing() ? skipped(kNoHighMemory) : use_after_kunmap_of(pages[0], nullptr);
}

Outcome use_of_a_handle_whose_slot_has_another_page() {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages pages(2);
  const FullWindow window(1);
  if (pages.missing() || window.missing()) return skipped(kNoHighMemory);
  return use_after_kunmap_of(pages[0], pages[1]);
}

Outcome use_of_a_handle_whose_page_was_mapped_again() {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages pages(1);
  const FullWindow window(1);
  if (pages.missing() || window.missing()) return skipped(kNoHighMemory);
  return use_after_kunmap_of(pages[0], pages[0]);
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
  const Outcome outcome =
      is_told(Misuse::kmap_may_not_sleep, thread, {page.text(), "an interrupt"});
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
  const Outcome outcome = dies_of(Misuse::kmap_may_not_sleep, thread, {page.text()});
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
  const Outcome outcome = dies_of(Misuse::kmap_may_not_sleep, thread, {page.text()});
  if (outcome.has_failed()) return outcome;
  const Locked guard(spinlock);  // hangs if the dead thread still holds it
  return passed();
}

Outcome a_flush_with_a_spinlock_held() {
  const Sacrifice thread(
      [](void*) {
        const Locked guard(spinlock);
        flush_all_zero_pkmaps();
        go_on();
      },
      nullptr);
  const Outcome outcome = dies_of(Misuse::flush_may_not_wait, thread, {"thread"});
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
  const Sacrifice thread(
      [](void* page) {
        free_pages(static_cast<Page*>(page), 0);
        go_on();
      },
      pages[0]);
  kunmap(pages[0]);
  const Outcome outcome =
      dies_of(Misuse::freed_while_pinned, thread, {page.text(), slot.text(), "\"job\""});
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
  const Sacrifice thread(
      [](void* block) {
        free_pages(static_cast<Page*>(block), kOrder);
        go_on();
      },
      block);
  kunmap(block + 5);
  const Outcome outcome = dies_of(Misuse::freed_while_pinned, thread, {page.text()});
  if (outcome.has_failed()) return outcome;
  return page_counts().high_free == before.high_free + 7
             ? passed()
             : failed("the other seven did not go back");
}

// A thread does something to a page that this thread holds, and dies of it.
Outcome misuse_of_a_held_page(Misuse misuse, void (*deed)(void* page)) {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread(deed, pages[0]);
  kunmap(pages[0]);
  return dies_of(misuse, thread, {page.text(), slot.text(), "\"job\""});
}

Outcome a_pin_stolen_from_another_thread() {
  return misuse_of_a_held_page(Misuse::kunmap_not_holder, kunmap_it);
}

Outcome reserving_while_holding_a_mapping() {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Name page(pages[0]);
  const Sacrifice thread(
      [](void* page) {
        (void)kmap(static_cast<Page*>(page));
        (void)highmem.reserve(1);
      },
      pages[0]);
  return dies_of(Misuse::reserving_with_pins, thread,
                 {page.text(), "\"sacrifice\"", "1 of its pins released"});
}

Outcome kmap_that_hits_where_it_may_not_sleep() {
  return misuse_of_a_held_page(Misuse::kmap_may_not_sleep, [](void* page) {
    const PreemptionOff off;
    (void)kmap(static_cast<Page*>(page));
  });
}

Outcome sleeping_while_holding_a_mapping() {
  if (!KernelPlatform::kChecked) return skipped(kReleaseCannotKnow);
  const HighPages extra(1);
  const FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  struct Two {
    Page* held;
    Page* wanted;
  } two{window.page(), extra[0]};
  const Name page(two.held);
  const Name slot(highmem.find(two.held));
  const Sacrifice thread(
      [](void* argument) {
        const auto& two = *static_cast<Two*>(argument);
        (void)kmap(two.held);
        (void)highmem.kmap_for(two.wanted, 1);
        kunmap(two.held);
      },
      &two);
  const Outcome outcome =
      is_told(Misuse::sleeping_with_pins, thread, {page.text(), slot.text(), "notice: "});
  if (outcome.has_failed() || thread.names_its_call()) return outcome;
  return failed("the report names another call");
}

Outcome more_users_than_can_be_counted() {
  constexpr std::uint32_t kMost = 16'383;
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  for (std::uint32_t i = 0; i < kMost; ++i) (void)kmap(pages[0]);
  const Name page(pages[0]);
  const Name slot(highmem.find(pages[0]));
  const Sacrifice thread(
      [](void* page) {
        (void)kmap(static_cast<Page*>(page));
        go_on();
      },
      pages[0]);
  for (std::uint32_t i = 0; i < kMost; ++i) kunmap(pages[0]);
  const Outcome outcome =
      dies_of(Misuse::too_many_users, thread, {page.text(), slot.text(), "\"job\""});
  if (outcome.has_failed()) return outcome;
  return nobody_holds(pages[0]) ? passed() : failed("the refused user was counted");
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
  return nobody_holds(pages[0]) ? passed() : failed("the page is still pinned");
}

constexpr SelfTest kTests[] = {
    {"kunmap twice", kunmap_twice},
    {"kunmap of a page that is not mapped", kunmap_of_a_page_that_is_not_mapped},
    {"kunmap of a wrong address", kunmap_of_a_wrong_address},
    {"a flush with a spinlock held", a_flush_with_a_spinlock_held},
    {"a second open of the window", a_second_open_of_the_window},
    {"kmap from an interrupt that would sleep", kmap_from_an_interrupt_that_would_sleep},
    {"kmap with preemption off that would sleep", kmap_with_preemption_off_that_would_sleep},
    {"kmap with a spinlock held that would sleep", kmap_with_a_spinlock_held_that_would_sleep},
    {"a page freed while it is pinned", a_page_freed_while_it_is_pinned},
    {"a block freed while one page of it is pinned", a_block_freed_while_one_page_of_it_is_pinned},
    {"a pin stolen from another thread", a_pin_stolen_from_another_thread},
    {"reserving while holding a mapping", reserving_while_holding_a_mapping},
    {"use of a handle after its kunmap", use_of_a_handle_after_its_kunmap},
    {"use of a handle whose slot has another page", use_of_a_handle_whose_slot_has_another_page},
    {"use of a handle whose page was mapped again", use_of_a_handle_whose_page_was_mapped_again},
    {"kmap that hits where it may not sleep", kmap_that_hits_where_it_may_not_sleep},
    {"sleeping while holding a mapping", sleeping_while_holding_a_mapping},
    {"more users than can be counted", more_users_than_can_be_counted},
    {"the pins of a dead thread are released", the_pins_of_a_dead_thread_are_released},
};

}  // namespace

std::span<const SelfTest> misuse_tests() { return kTests; }

}  // namespace kmapper::kernel
