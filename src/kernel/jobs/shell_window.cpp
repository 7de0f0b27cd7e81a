#include "kernel/jobs/shell_window.hpp"

#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {

void print_slots() {
  constexpr std::uint32_t kMostShown = 16;
  std::uint32_t idle = 0;
  std::uint32_t pinned = 0;
  for (std::uint32_t i = 0; i < highmem.slot_count(); ++i) {
    const auto view = highmem.inspect(SlotIndex{i});
    if (word::is_idle(view.word)) ++idle;
    if (!word::is_pinned(view.word)) continue;
    if (++pinned > kMostShown) continue;
    const std::uint32_t holder = thread_number(view.holder);
    print("  slot {:4}  page {:9}  {} users, taken by thread {} \"{}\"\n", i,
          page_to_pfn(view.page), word::users(view.word) - 1, holder, name_of_thread(holder));
  }
  if (pinned > kMostShown) print("  and {} more\n", pinned - kMostShown);
  print("{} slots: {} clean, {} idle, {} pinned\n", highmem.slot_count(),
        highmem.slot_count() - idle - pinned, idle, pinned);
}

void print_holders(std::uint32_t milliseconds) {
  constexpr std::uint64_t kNsInMs = 1'000'000;
  const std::uint32_t found = highmem.report_holders(milliseconds * kNsInMs);
  print("{} mappings have been held for longer than {} ms\n", found, milliseconds);
}

std::uint32_t HeldPages::hold(std::uint32_t pages) {
  for (std::uint32_t i = 0; i < pages; ++i) {
    Page* const page = alloc_pages(GFP_HIGHMEM, 0);
    if (page == nullptr) break;
    if (!is_high(page) || try_kmap(page) == nullptr) {
      free_pages(page, 0);
      break;
    }
    if (pages_.add(page, 0)) continue;
    kunmap(page);
    free_pages(page, 0);
    break;
  }
  return pages_.pages();
}

std::uint32_t HeldPages::let_go() {
  const std::uint32_t pages = pages_.pages();
  pages_.for_each_page([](Page* page) {
    kunmap(page);
    return true;
  });
  pages_.free_all();
  return pages;
}

}  // namespace kmapper::kernel
