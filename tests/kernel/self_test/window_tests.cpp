// Correct use of the window on the machine.
#include <atomic>

#include "arch/paging.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/mm/buddy.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

volatile std::uint32_t& first_word(void* address) {
  return *static_cast<volatile std::uint32_t*>(address);
}

void write_first_word(Page* page, std::uint32_t value) {
  first_word(kmap(page)) = value;
  kunmap(page);
}

std::uint32_t read_first_word(Page* page) {
  const std::uint32_t value = first_word(kmap(page));
  kunmap(page);
  return value;
}

Outcome a_low_page_has_its_permanent_address() {
  Page* const page = alloc_pages(GFP_KERNEL, 0);
  if (page == nullptr) return failed("out of memory");
  const std::uint64_t misses = highmem.stats().misses;
  const bool right = kmap(page) == page_to_direct(page) && try_kmap(page) == page_to_direct(page);
  kunmap(page);
  kunmap(page);
  free_pages(page, 0);
  if (highmem.stats().misses != misses) return failed("it took a slot");
  return right ? passed() : failed("it had another address");
}

Outcome a_high_page_is_mapped_inside_the_window() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const VirtAddr address = to_virt(kmap(pages[0]));
  const bool inside = address >= kPkmapBase &&
                      address < kPkmapBase + highmem.slot_count() * kPageSize &&
                      translate(address) == page_to_phys(pages[0]);
  kunmap(pages[0]);
  return inside ? passed()
                : failed("its address lies outside the window, or leads to another page");
}

// The allocator hands out the lowest memory first, so the last block has the longest address.
Outcome the_highest_page_is_mapped_with_its_whole_address() {
  BlockList blocks;
  Page* highest = nullptr;
  for (;;) {
    Page* const block = alloc_pages(GFP_HIGHMEM, Buddy::kMaxOrder);
    if (block == nullptr) break;
    if (!blocks.add(block, Buddy::kMaxOrder)) return failed("out of memory for the list");
    if (!is_high(block)) break;
    highest = block + (1U << Buddy::kMaxOrder) - 1;
  }
  if (highest == nullptr) return skipped(kNoHighMemory);
  const VirtAddr address = to_virt(kmap(highest));
  const bool right = translate(address) == page_to_phys(highest);
  kunmap(highest);
  return right ? passed() : failed("the address leads to another page");
}

Outcome a_hit_keeps_the_address() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  void* const first = kmap(pages[0]);
  void* const second = kmap(pages[0]);  // while it is pinned
  kunmap(pages[0]);
  kunmap(pages[0]);
  const std::uint64_t hits = highmem.stats().hits;
  void* const third = kmap(pages[0]);  // while it is idle
  kunmap(pages[0]);
  if (first != second || first != third) return failed("the address changed");
  if (KernelPlatform::kStrict) return skipped(kStrictKeepsNothing);
  return highmem.stats().hits == hits + 1 ? passed() : failed("it was not counted as a hit");
}

Outcome a_mapping_can_be_given_back_by_its_address() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  highmem.kunmap_address(static_cast<char*>(kmap(pages[0])) + 100);
  return nobody_holds(pages[0]) ? passed() : failed("the slot is not idle");
}

Outcome every_slot_holds_a_page_of_its_own() {
  const std::uint32_t slots = highmem.slot_count();
  const HighPages pages(slots);
  if (pages.missing()) return skipped(kNoHighMemory);
  for (std::uint32_t i = 0; i < slots; ++i) first_word(kmap(pages[i])) = i;
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < slots; ++i) {
    if (first_word(kmap(pages[i])) != i) ++wrong;  // a hit
    kunmap(pages[i]);
    kunmap(pages[i]);
  }
  return wrong == 0 ? passed() : failed("a page held another's number");
}

Outcome a_full_window_makes_try_kmap_say_no() {
  const HighPages extra(1);
  FullWindow window;
  if (window.missing() || extra.missing()) return skipped(kNoHighMemory);
  if (try_kmap(extra[0]) != nullptr) return failed("it found a slot");
  void* const again = try_kmap(window.page());
  if (again == nullptr) return failed("a page that is mapped was refused");
  kunmap(window.page());
  window.let_one_go();
  if (try_kmap(extra[0]) == nullptr) return failed("it found no slot when one was idle");
  kunmap(extra[0]);
  return passed();
}

struct Sleeper {
  Page* page;
  std::atomic<bool> mapped{false};

  static void run(void* argument) {
    auto& self = *static_cast<Sleeper*>(argument);
    first_word(kmap(self.page)) = 77;
    self.mapped.store(true);
    kunmap(self.page);
  }
};

Outcome a_sleeper_gets_the_first_slot_that_goes_idle() {
  const HighPages extra(1);
  FullWindow window;
  if (window.missing() || extra.missing()) return skipped(kNoHighMemory);
  const std::uint64_t sleeps = highmem.stats().sleeps;
  Sleeper sleeper{extra[0]};
  Thread* const thread = thread_create("sleeper", Sleeper::run, &sleeper);
  if (thread == nullptr) return failed("no memory for a thread");
  thread_sleep(3);
  const bool early = sleeper.mapped.load();
  window.let_one_go();
  thread_join(*thread);
  if (early) return failed("it did not sleep");
  if (highmem.stats().sleeps != sleeps + 1) return failed("its sleep was not counted");
  return read_first_word(extra[0]) == 77 ? passed() : failed("it wrote to another page");
}

Outcome a_mapping_can_be_handed_to_another_thread() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  (void)kmap(pages[0]);
  highmem.hand_over(pages[0]);
  Thread* const thread = thread_create(
      "heir", [](void* page) { kunmap(static_cast<Page*>(page)); }, pages[0]);
  if (thread == nullptr) return failed("no memory for a thread");
  const Ending ending = thread_join(*thread);
  return ending == Ending::returned && nobody_holds(pages[0]) ? passed()
                                                              : failed("the slot is not idle");
}

Outcome a_page_is_unmapped_when_it_is_freed() {
  HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  if (KernelPlatform::kStrict) return skipped(kStrictKeepsNothing);
  void* const address = kmap(pages[0]);
  kunmap(pages[0]);
  if (!translate(to_virt(address))) return failed("kunmap took the mapping back by itself");
  const FreeResult result = free_pages(pages[0], 0);
  pages.forget(0);
  if (result != FreeResult::freed) return failed("it was not freed");
  return translate(to_virt(address)) ? failed("it is still mapped") : passed();
}

// A page is freed while its mapping is idle and in the TLB. Another page gets its slot: the old
// page's bytes must not show.
Outcome a_freed_page_leaves_no_byte_behind() {
  const std::uint32_t slots = highmem.slot_count();
  HighPages freed(1);
  const HighPages others(slots);
  if (freed.missing() || others.missing()) return skipped(kNoHighMemory);
  for (std::uint32_t i = 0; i < slots; ++i) write_first_word(others[i], i);
  void* const address = kmap(freed[0]);
  first_word(address) = 0xDEADBEEF;
  kunmap(freed[0]);
  free_pages(freed[0], 0);
  freed.forget(0);
  bool seen = false;
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < slots; ++i) {
    void* const now = kmap(others[i]);
    if (now == address) seen = true;
    if (first_word(now) != i) ++wrong;
  }
  for (Page* const page : others.all()) kunmap(page);
  if (!seen) return failed("no page got the slot");
  return wrong == 0 ? passed() : failed("a page showed another's bytes");
}

Outcome flush_all_zero_pkmaps_empties_the_window() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  void* const address = kmap(pages[0]);
  kunmap(pages[0]);
  const std::uint32_t flushed = flush_all_zero_pkmaps();
  if (flushed == 0 && !KernelPlatform::kStrict) return failed("nothing was flushed");
  if (translate(to_virt(address))) return failed("the page is still mapped");
  for (std::uint32_t i = 0; i < highmem.slot_count(); ++i) {
    if (!highmem.is_clean(SlotIndex{i})) return failed("a slot is not clean");
  }
  return passed();
}

Outcome bytes_are_copied_up_to_the_ends_of_a_page() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  clear_highpage(pages[0]);
  memcpy_to_page(pages[0], 0, "first", 5);
  memcpy_to_page(pages[0], kPageSize - 4, "last", 4);
  char bytes[9] = {};
  memcpy_from_page(bytes, pages[0], 0, 5);
  memcpy_from_page(bytes + 5, pages[0], kPageSize - 4, 4);
  if (std::string_view(bytes, sizeof bytes) != "firstlast") return failed("they were not there");
  memcpy_from_page(bytes, pages[0], kPageSize - 5, 1);
  return bytes[0] == 0 ? passed() : failed("a byte before them changed");
}

Outcome a_page_is_copied_whole() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  auto* const words = static_cast<std::uint32_t*>(kmap(pages[0]));
  constexpr std::uint32_t kWords = kPageSize / sizeof(std::uint32_t);
  for (std::uint32_t i = 0; i < kWords; ++i) words[i] = i * 0x9E3779B1U;
  kunmap(pages[0]);
  clear_highpage(pages[1]);
  copy_highpage(pages[1], pages[0]);
  const auto* const copied = static_cast<const std::uint32_t*>(kmap(pages[1]));
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; i < kWords; ++i) {
    if (copied[i] != i * 0x9E3779B1U) ++wrong;
  }
  kunmap(pages[1]);
  return wrong == 0 ? passed() : failed("a word differs");
}

Outcome a_page_is_cleared_whole() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  auto* words = static_cast<std::uint32_t*>(kmap(pages[0]));
  words[0] = words[kPageSize / sizeof(std::uint32_t) - 1] = 1;
  kunmap(pages[0]);
  clear_highpage(pages[0]);
  words = static_cast<std::uint32_t*>(kmap(pages[0]));
  std::uint32_t sum = 0;
  for (std::uint32_t i = 0; i < kPageSize / sizeof(std::uint32_t); ++i) sum |= words[i];
  kunmap(pages[0]);
  return sum == 0 ? passed() : failed("a word is not zero");
}

Outcome a_page_is_copied_while_the_window_is_full() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  write_first_word(pages[0], 4711);
  {
    const FullWindow window;
    if (window.missing()) return skipped(kNoHighMemory);
    copy_highpage(pages[1], pages[0]);
  }
  return read_first_word(pages[1]) == 4711 ? passed() : failed("the copy is wrong");
}

Outcome a_kmap_with_a_time_limit_gives_up() {
  const HighPages extra(1);
  const FullWindow window;
  if (extra.missing() || window.missing()) return skipped(kNoHighMemory);
  constexpr std::uint64_t kLimit = 30'000'000;
  const std::uint64_t begun = now_ns();
  const Result<void*> result = highmem.kmap_for(extra[0], kLimit);
  if (result.error() != MapError::timed_out) return failed("it did not time out");
  if (now_ns() - begun < kLimit) return failed("it gave up early");
  return highmem.find(extra[0]) == kNoSlot ? passed() : failed("it left a mapping behind");
}

Outcome a_reservation_maps_in_a_full_window() {
  const HighPages extra(2);
  if (extra.missing()) return skipped(kNoHighMemory);
  if (highmem.slot_count() < 2) return skipped("the window has one slot");
  Result<Reservation<KernelPlatform>> reservation = highmem.reserve(2);
  if (!reservation) return failed("no reservation");
  for (int i = 0; i < 2; ++i) {
    Result<void*> address = reservation->kmap(extra[i]);
    if (!address) return failed("a reserved slot was refused");
    first_word(*address) = 4000 + i;
  }
  if (reservation->kmap(extra[0]).error() != MapError::none) return failed("a hit was refused");
  kunmap(extra[0]);
  for (int i = 0; i < 2; ++i) kunmap(extra[i]);
  return read_first_word(extra[0]) == 4000 && read_first_word(extra[1]) == 4001
             ? passed()
             : failed("a page has another's word");
}

Outcome more_than_the_window_is_refused_at_once() {
  const Result<Reservation<KernelPlatform>> reservation = highmem.reserve(highmem.slot_count() + 1);
  return reservation.error() == MapError::too_large ? passed() : failed("it was not refused");
}

constexpr SelfTest kTests[] = {
    {"a kmap with a time limit gives up", a_kmap_with_a_time_limit_gives_up},
    {"a reservation maps in a full window", a_reservation_maps_in_a_full_window},
    {"more than the window is refused at once", more_than_the_window_is_refused_at_once},
    {"a low page has its permanent address", a_low_page_has_its_permanent_address},
    {"a high page is mapped inside the window", a_high_page_is_mapped_inside_the_window},
    {"the highest page is mapped with its whole address",
     the_highest_page_is_mapped_with_its_whole_address},
    {"a hit keeps the address", a_hit_keeps_the_address},
    {"a mapping can be given back by its address", a_mapping_can_be_given_back_by_its_address},
    {"every slot holds a page of its own", every_slot_holds_a_page_of_its_own},
    {"a full window makes try_kmap say no", a_full_window_makes_try_kmap_say_no},
    {"a sleeper gets the first slot that goes idle", a_sleeper_gets_the_first_slot_that_goes_idle},
    {"a mapping can be handed to another thread", a_mapping_can_be_handed_to_another_thread},
    {"a page is unmapped when it is freed", a_page_is_unmapped_when_it_is_freed},
    {"a freed page leaves no byte behind", a_freed_page_leaves_no_byte_behind},
    {"flush_all_zero_pkmaps empties the window", flush_all_zero_pkmaps_empties_the_window},
    {"bytes are copied up to the ends of a page", bytes_are_copied_up_to_the_ends_of_a_page},
    {"a page is copied whole", a_page_is_copied_whole},
    {"a page is cleared whole", a_page_is_cleared_whole},
    {"a page is copied while the window is full", a_page_is_copied_while_the_window_is_full},
};

}  // namespace

std::span<const SelfTest> window_tests() { return kTests; }

}  // namespace kmapper::kernel
