// kmap_local on the machine: correct use, alone, across context switches and from interrupts; and
// misuse.
#include <array>
#include <atomic>

#include "arch/interrupts.hpp"
#include "arch/paging.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

// Gives page i the number i.
void number_pages(const HighPages& pages) {
  std::uint32_t number = 0;
  for (Page* const page : pages.all()) {
    void* const address = kmap_local(page);
    first_word(address) = number++;
    kunmap_local(address);
  }
}

Outcome a_page_is_mapped_in_a_slot_of_this_cpu() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const std::uint64_t misses = highmem.stats().misses;
  void* const address = kmap_local(pages[0]);
  const bool inside = to_virt(address) >= kLocalBase && to_virt(address) < kLocalEnd &&
                      translate(to_virt(address)) == page_to_phys(pages[0]);
  kunmap_local(address);
  if (!inside) return failed("its address lies outside the window, or leads to another page");
  if (highmem.stats().misses != misses) return failed("it took a slot of the window");
  return translate(to_virt(address)) ? failed("it is still mapped") : passed();
}

Outcome a_low_page_keeps_its_address() {
  Page* const page = alloc_pages(GFP_KERNEL, 0);
  if (page == nullptr) return failed("out of memory");
  void* const address = kmap_local(page);
  kunmap_local(address);
  free_pages(page, 0);
  return address == page_to_direct(page) ? passed() : failed("it had another address");
}

Outcome the_next_page_in_a_slot_is_seen() {
  constexpr std::uint32_t kPages = 64;
  const HighPages pages(kPages);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kPages; ++i) {
    void* const address = kmap_local(pages[i]);
    if (first_word(address) != i) ++wrong;
    kunmap_local(address);
  }
  return wrong == 0 ? passed() : failed("a page showed another's number");
}

// Maps pages on top of each other as deep as possible, then checks and unmaps them all.
std::uint32_t count_wrong_in_a_stack(const HighPages& pages) {
  const std::uint32_t deep = kLocalDepth - local_maps.depth();
  std::array<void*, kLocalDepth> addresses{};
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < deep; ++i) addresses[i] = kmap_local(pages[i]);
  for (std::uint32_t i = deep; i != 0; --i) {
    if (first_word(addresses[i - 1]) != i - 1) ++wrong;
    kunmap_local(addresses[i - 1]);
  }
  return wrong;
}

Outcome as_many_as_there_are_slots_are_mapped_at_once() {
  const HighPages pages(kLocalDepth);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  return count_wrong_in_a_stack(pages) == 0 ? passed() : failed("a page showed another's number");
}

constinit const HighPages* interrupts_pages = nullptr;
constinit std::uint32_t wrong_in_interrupt = 0;

Outcome an_interrupt_maps_on_top_of_its_thread() {
  const HighPages pages(kLocalDepth);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  interrupts_pages = &pages;
  wrong_in_interrupt = 0;
  set_interrupt_handler(Interrupt::software,
                        [] { wrong_in_interrupt += count_wrong_in_a_stack(*interrupts_pages); });
  void* const address = kmap_local(pages[7]);
  raise_software_interrupt();
  const bool kept = first_word(address) == 7;
  kunmap_local(address);
  if (wrong_in_interrupt != 0) return failed("the interrupt saw another page");
  return kept ? passed() : failed("the thread lost its mapping");
}

// One of several threads that map the same pages, at different depths, and are preempted and sleep
// while they hold them.
struct Mappers {
  const HighPages& pages;
  std::uint32_t until;  // tick
  std::atomic<std::uint32_t> wrong{0};
  std::atomic<std::uint32_t> seed{0};

  static void run(void* argument) {
    auto& self = *static_cast<Mappers*>(argument);
    Prng random(self.seed.fetch_add(1));
    while (static_cast<std::int32_t>(scheduler.now() - self.until) < 0) self.map_some(random);
  }

  void map_some(Prng& random) {
    constexpr std::uint32_t kDeepest = 8;
    std::array<void*, kDeepest> addresses{};
    std::array<std::uint32_t, kDeepest> numbers{};
    const std::uint32_t deep = 1 + random.below(kDeepest);
    for (std::uint32_t i = 0; i < deep; ++i) {
      numbers[i] = random.below(static_cast<std::uint32_t>(pages.all().size()));
      addresses[i] = kmap_local(pages[numbers[i]]);
      check(addresses[i], numbers[i]);
    }
    if (random.below(256) == 0) thread_sleep(1);
    for (std::uint32_t i = deep; i != 0; --i) {
      check(addresses[i - 1], numbers[i - 1]);
      kunmap_local(addresses[i - 1]);
    }
  }
  void check(void* address, std::uint32_t number) {
    if (first_word(address) != number) wrong.fetch_add(1);
  }
};

Outcome mappings_are_kept_across_context_switches() {
  constexpr std::uint32_t kThreads = 12;
  constexpr std::uint32_t kTicks = 40;
  const HighPages pages(64);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  Mappers mappers{pages, scheduler.now() + kTicks};
  std::array<Thread*, kThreads> threads{};
  for (Thread*& thread : threads) thread = thread_create("mapper", Mappers::run, &mappers);
  bool ended = true;
  for (Thread* const thread : threads)
    ended = thread != nullptr && thread_join(*thread) == Ending::returned && ended;
  if (!ended) return failed("a thread was not made, or died");
  return mappers.wrong.load() == 0 ? passed() : failed("a mapping showed another page");
}

// The thread that sleeps finds its own half-made stack again, although another thread used its
// slots.
Outcome a_thread_sleeps_with_a_mapping() {
  const HighPages pages(kLocalDepth);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  void* const address = kmap_local(pages[3]);
  const Sacrifice other(
      [](void* pages) { (void)count_wrong_in_a_stack(*static_cast<const HighPages*>(pages)); },
      const_cast<HighPages*>(&pages));
  thread_sleep(2);
  const bool kept = first_word(address) == 3;
  kunmap_local(address);
  const Outcome outcome = other.expect_return({});
  if (outcome.has_failed()) return outcome;
  return kept ? passed() : failed("it found another page");
}

// A thread may be preempted between the two halves of an entry, while another thread uses the same
// slot for a page with another high half.
Outcome a_half_written_entry_is_kept() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  constexpr KernelPlatform::LocalPte kHalf{0, 5};
  void* const address = kmap_local(pages[0]);
  const LocalSlot slot = KernelPlatform::first_local_slot();
  (void)KernelPlatform::take_local_pte(slot);
  KernelPlatform::put_local_pte(slot, kHalf);
  const Sacrifice other([](void* page) { kunmap_local(kmap_local(static_cast<Page*>(page))); },
                        pages[0]);
  const KernelPlatform::LocalPte found = KernelPlatform::take_local_pte(slot);
  kunmap_local(address);
  const Outcome outcome = other.expect_return({});
  if (outcome.has_failed()) return outcome;
  return found.high == kHalf.high ? passed() : failed("its high half was lost");
}

// --- Misuse ---

Outcome unmapping_out_of_order() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* pages) {
        void* const first = kmap_local((*static_cast<const HighPages*>(pages))[0]);
        (void)kmap_local((*static_cast<const HighPages*>(pages))[1]);
        kunmap_local(first);
      },
      const_cast<HighPages*>(&pages));
  const std::string_view words[] = {"kunmap_local out of order", "called from 0x",
                                    "on top of a mapping made at 0x", "2 of its pins released"};
  return thread.expect_death(words);
}

Outcome unmapping_twice() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* page) {
        void* const address = kmap_local(static_cast<Page*>(page));
        kunmap_local(address);
        kunmap_local(address);
      },
      pages[0]);
  const std::string_view words[] = {"kunmap_local of an address that the caller does not hold",
                                    "address 0xfe", "called from 0x"};
  return thread.expect_death(words);
}

Outcome mapping_too_deep() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* page) {
        for (std::uint32_t i = 0; i <= kLocalDepth; ++i) (void)kmap_local(static_cast<Page*>(page));
      },
      pages[0]);
  const std::string_view words[] = {"kmap_local too deep", "called from 0x",
                                    "on top of a mapping made at 0x", "32 of its pins released"};
  return thread.expect_death(words);
}

Outcome a_thread_that_ends_with_a_mapping() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread([](void* page) { (void)kmap_local(static_cast<Page*>(page)); }, pages[0]);
  const std::string_view words[] = {"a local mapping left behind",
                                    "on top of a mapping made at 0x"};
  return thread.expect_death(words);
}

Outcome an_interrupt_that_ends_with_a_mapping() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  interrupts_pages = &pages;
  set_interrupt_handler(Interrupt::software, [] { (void)kmap_local((*interrupts_pages)[1]); });
  const Sacrifice thread(
      [](void* page) {
        void* const address = kmap_local(static_cast<Page*>(page));
        raise_software_interrupt();
        kunmap_local(address);
      },
      pages[0]);
  const std::string_view words[] = {"a local mapping left behind", "in an interrupt"};
  return thread.expect_return(words);
}

Outcome moving_with_a_mapping() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* page) {
        (void)kmap_local(static_cast<Page*>(page));
        thread_move_to(CpuNumber{0});
      },
      pages[0]);
  const std::string_view words[] = {"thread_move_to with a local mapping",
                                    "1 of its pins released"};
  return thread.expect_death(words);
}

Outcome the_page_behind_a_slot_is_a_guard() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* page) {
        void* const address = kmap_local(static_cast<Page*>(page));
        first_word(static_cast<char*>(address) + kPageSize) = 1;
      },
      pages[0]);
  const std::string_view words[] = {"write to a page that is not mapped",
                                    "the guard page behind local slot", "1 of its pins released"};
  return thread.expect_death(words);
}

constexpr SelfTest kTests[] = {
    {"a page is mapped in a slot of this CPU", a_page_is_mapped_in_a_slot_of_this_cpu},
    {"a low page keeps its address in kmap_local", a_low_page_keeps_its_address},
    {"the next page in a local slot is seen", the_next_page_in_a_slot_is_seen},
    {"as many as there are local slots are mapped at once",
     as_many_as_there_are_slots_are_mapped_at_once},
    {"an interrupt maps on top of its thread", an_interrupt_maps_on_top_of_its_thread},
    {"local mappings are kept across context switches", mappings_are_kept_across_context_switches},
    {"a thread sleeps with a local mapping", a_thread_sleeps_with_a_mapping},
    {"a half-written local entry is kept across a context switch", a_half_written_entry_is_kept},
    {"kunmap_local out of order", unmapping_out_of_order},
    {"kunmap_local twice", unmapping_twice},
    {"kmap_local too deep", mapping_too_deep},
    {"a thread that ends with a local mapping", a_thread_that_ends_with_a_mapping},
    {"an interrupt that ends with a local mapping", an_interrupt_that_ends_with_a_mapping},
    {"thread_move_to with a local mapping", moving_with_a_mapping},
    {"the page behind a local slot is a guard", the_page_behind_a_slot_is_a_guard},
};

}  // namespace

std::span<const SelfTest> local_tests() { return kTests; }

}  // namespace kmapper::kernel
