// vmalloc on the machine: memory comes and goes back whole, from many threads, in interrupts and
// when there is too little; and what is reported when it is used as it should not be.
#include <array>
#include <atomic>

#include "arch/interrupts.hpp"
#include "arch/paging.hpp"
#include "kernel/jobs/free_pages.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/mm/vmap.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

Outcome an_area_is_of_high_memory() {
  constexpr std::uint32_t kPages = 5;
  if (page_counts().high_free < kPages) return skipped(kNoHighMemory);
  const std::uint32_t before = free_pages_now();
  const auto area = vmalloc(kPages * kPageSize - 1);
  if (!area) return failed("vmalloc refused");
  bool right = free_pages_now() == before - kPages;
  for (std::uint32_t i = 0; i < kPages; ++i) {
    const auto frame = translate(to_virt(*area) + i * kPageSize);
    right = right && frame && is_high(to_pfn(*frame));
  }
  right = right && !translate(to_virt(*area) + kPages * kPageSize);
  vfree(*area);
  if (!right) return failed("a page was somewhere else, or too many were taken");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

// Memory that was accessed is not free before the flush, and is not lost by it.
Outcome memory_waits_for_the_flush() {
  constexpr std::uint32_t kPages = 8;
  const std::uint32_t before = free_pages_now();
  const auto area = vmalloc(kPages * kPageSize);
  if (!area) return failed("vmalloc refused");
  for (std::uint32_t i = 0; i < kPages; ++i) first_word(*area, i) = i;
  vfree(*area);
  const std::uint32_t waiting = vmap_range.usage().waiting_pages;
  const PageCounts counts = page_counts();
  const bool back = free_pages_now() == before;
  if (waiting < kPages ||
      counts.low_free + counts.high_free + stack_table_pages() > before - kPages)
    return failed("it was free before the flush");
  return back ? passed() : failed("pages were lost");
}

Outcome an_area_larger_than_the_range_is_refused() {
  const std::uint32_t before = free_pages_now();
  const auto area = vmalloc(KernelPlatform::kMaxVmapPages * kPageSize);
  if (area.error() != MapError::too_large) return failed("it was not refused");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

// All memory but a few pages is taken; what waits for a flush is then all that vmalloc can have.
Outcome memory_that_waits_serves_when_no_other_is_left() {
  constexpr std::uint32_t kPages = 16;
  const std::uint32_t before = free_pages_now();
  const auto first = vmalloc(kPages * kPageSize);
  if (!first) return failed("vmalloc refused");
  for (std::uint32_t i = 0; i < kPages; ++i) first_word(*first, i) = i;
  BlockList all;
  const bool all_taken = all.add_all(GFP_HIGHMEM) && all.add_all(GFP_KERNEL);
  vfree(*first);
  const auto second = vmalloc(kPages * kPageSize);
  const auto third = vmalloc(kPages * kPageSize);
  if (second) vfree(*second);
  all.free_all();
  if (third) vfree(*third);
  if (!all_taken) return failed("out of memory for the list");
  if (!second) return failed("memory waited in vain");
  if (third.error() != MapError::no_memory) return failed("there was memory all the time");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

struct Crowd {
  std::atomic<std::uint32_t> wrong{0};
  std::atomic<std::uint32_t> refused{0};
};

void allocate_and_free(void* argument) {
  auto& crowd = *static_cast<Crowd*>(argument);
  Prng random(this_cpu::current()->number());
  for (std::uint32_t round = 0; round < 200; ++round) {
    const std::uint32_t pages = 1 + random.below(32);
    const auto area = vmalloc(pages * kPageSize);
    if (!area) {
      crowd.refused.fetch_add(1);
      continue;
    }
    const std::uint32_t first = random.next();
    for (std::uint32_t i = 0; i < pages; ++i) first_word(*area, i) = first + i;
    thread_yield();
    for (std::uint32_t i = 0; i < pages; ++i) {
      if (first_word(*area, i) != first + i) crowd.wrong.fetch_add(1);
    }
    vfree(*area);
  }
}

Outcome many_threads_allocate_and_free() {
  const std::uint32_t before = free_pages_now();
  Crowd crowd;
  std::array<Thread*, 8> threads{};
  for (Thread*& thread : threads) thread = thread_create("vmalloc", allocate_and_free, &crowd);
  bool all_ran = true;
  for (Thread* const thread : threads) {
    all_ran = all_ran && thread != nullptr;
    if (thread != nullptr) thread_join(*thread);
  }
  if (!all_ran) return failed("no memory for a thread");
  if (crowd.wrong.load() != 0) return failed("a page held another's number");
  if (crowd.refused.load() != 0) return failed("vmalloc refused");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

constinit bool allocated_in_interrupt = false;

Outcome an_interrupt_allocates_and_frees() {
  const std::uint32_t before = free_pages_now();
  allocated_in_interrupt = false;
  set_interrupt_handler(Interrupt::software, [] {
    const auto area = vmalloc(2 * kPageSize);
    if (!area) return;
    first_word(*area, 1) = 1;
    allocated_in_interrupt = first_word(*area, 1) == 1;
    vfree(*area);
  });
  raise_software_interrupt();
  if (!allocated_in_interrupt) return failed("it was refused, or lost a word");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

// A block of low memory is to be had as long as low pages wait for a flush.
Outcome low_memory_that_waits_serves_get_free_pages() {
  constexpr std::uint32_t kPages = 16;
  const std::uint32_t before = free_pages_now();
  BlockList all;
  // High memory first, so that the area gets low memory; then the rest.
  const bool high_taken = all.add_all(GFP_HIGHMEM);
  const auto area = vmalloc(kPages * kPageSize);
  if (area) {
    for (std::uint32_t i = 0; i < kPages; ++i) first_word(*area, i) = i;
  }
  const bool low_taken = all.add_all(GFP_KERNEL);
  if (area) vfree(*area);
  const auto block = get_free_pages(GFP_KERNEL, 0);
  if (block) free_pages(direct_to_page(*block), 0);
  all.free_all();
  if (!high_taken || !low_taken) return failed("out of memory for the list");
  if (!area) return failed("vmalloc refused");
  if (!block) return failed("memory waited in vain");
  return free_pages_now() == before ? passed() : failed("pages were lost");
}

// --- Misuse ---

// The page of an area is kmapped, and held, when its memory is freed, by the flush of a thread that
// has nothing to do with it: that thread goes on, and so does the range.
Outcome a_page_freed_while_it_is_pinned_ends_no_other_thread() {
  const auto area = vmalloc(kPageSize);
  if (!area) return failed("vmalloc refused");
  first_word(*area, 0) = 1;
  const auto frame = translate(to_virt(*area));
  Page* const page = frame ? phys_to_page(*frame) : nullptr;
  if (page == nullptr || !is_high(page)) {
    vfree(*area);
    return skipped(kNoHighMemory);
  }
  if (kmap(page) == nullptr) return failed("kmap refused");
  vfree(*area);
  const Sacrifice thread([](void*) { vmap_range.flush(); }, nullptr);
  const std::string_view words[] = {"a page freed while it is pinned"};
  const Outcome outcome = thread.expect_return(words);
  kunmap(page);
  if (outcome.has_failed()) return outcome;
  const auto next = vmalloc(kPageSize);
  if (!next) return failed("the range is stuck");
  vfree(*next);
  return passed();  // the page stays out of the allocator
}

Outcome vfree_twice() {
  const Sacrifice thread(
      [](void*) {
        const auto area = vmalloc(kPageSize);
        vfree(*area);
        vfree(*area);
      },
      nullptr);
  const std::string_view words[] = {"vfree of an address where no area of vmalloc begins",
                                    "address 0xf"};
  return thread.expect_death(words);
}

Outcome the_page_behind_an_area_is_a_guard() {
  const auto area = vmalloc(2 * kPageSize);
  if (!area) return failed("vmalloc refused");
  const Sacrifice thread([](void* at) { first_word(at, 2) = 1; }, *area);
  vfree(*area);
  const std::string_view words[] = {"write to a page that is not mapped",
                                    "the guard page behind the vmap area of 2 pages"};
  return thread.expect_death(words);
}

Outcome use_after_vfree() {
  const auto area = vmalloc(2 * kPageSize);
  if (!area) return failed("vmalloc refused");
  first_word(*area, 1) = 1;
  vfree(*area);
  vmap_range.flush();
  const Sacrifice thread([](void* at) { first_word(at, 1) = 1; }, *area);
  const std::string_view words[] = {"write to a page that is not mapped", "the vmap range"};
  return thread.expect_death(words);
}

constexpr SelfTest kTests[] = {
    {"vmalloc takes high memory", an_area_is_of_high_memory},
    {"memory of vfree waits for the flush", memory_waits_for_the_flush},
    {"vmalloc of more than the range is refused", an_area_larger_than_the_range_is_refused},
    {"memory that waits for a flush serves when no other is left",
     memory_that_waits_serves_when_no_other_is_left},
    {"low memory that waits serves get_free_pages", low_memory_that_waits_serves_get_free_pages},
    {"many threads allocate and free areas", many_threads_allocate_and_free},
    {"an interrupt allocates and frees an area", an_interrupt_allocates_and_frees},
    {"a page of an area freed while it is pinned",
     a_page_freed_while_it_is_pinned_ends_no_other_thread},
    {"vfree twice", vfree_twice},
    {"the page behind an area of vmalloc is a guard", the_page_behind_an_area_is_a_guard},
    {"use after vfree", use_after_vfree},
};

}  // namespace

std::span<const SelfTest> vmalloc_tests() { return kTests; }

}  // namespace kmapper::kernel
