// vmap on the machine: correct use, alone and from many threads on all CPUs; and misuse.
#include <array>
#include <atomic>

#include "arch/interrupts.hpp"
#include "arch/paging.hpp"
#include "kernel/lib/prng.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/mm/vmap.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

void touch(void* area, std::uint32_t page) {
  const std::uint32_t value = first_word(area, page);
  (void)value;
}

// Gives page i the number i.
void number_pages(const HighPages& pages) {
  std::uint32_t number = 0;
  for (Page* const page : pages.all()) {
    void* const address = kmap_local(page);
    *static_cast<std::uint32_t*>(address) = number++;
    kunmap_local(address);
  }
}

Outcome pages_lie_at_consecutive_addresses() {
  const HighPages pages(4);
  Page* const low = alloc_pages(GFP_KERNEL, 0);
  if (low == nullptr) return failed("out of memory");
  if (pages.missing()) {
    free_pages(low, 0);
    return skipped(kNoHighMemory);
  }
  const std::array<Page*, 5> wanted{pages[2], pages[0], low, pages[3], pages[0]};
  kmapper::Result<void*> area = vmap(wanted);
  bool right = static_cast<bool>(area) && to_virt(*area) >= kVmapBase && to_virt(*area) < kVmapEnd;
  for (std::uint32_t i = 0; right && i < wanted.size(); ++i)
    right = translate(to_virt(*area) + i * kPageSize) == page_to_phys(wanted[i]);
  if (area) vunmap(*area);
  free_pages(low, 0);
  if (!right) return failed("a page was somewhere else");
  return translate(to_virt(*area)) ? failed("it is still mapped") : passed();
}

Outcome more_than_the_range_is_refused() {
  static constinit std::array<Page*, KernelPlatform::kMaxVmapPages> pages{};
  return vmap(pages).error() == MapError::too_large ? passed() : failed("it was not refused");
}

// When addresses are reused for other pages, the old pages do not show.
Outcome addresses_are_used_again_after_a_flush() {
  constexpr std::uint32_t kPages = 16;
  const HighPages pages(2 * kPages);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  const std::uint64_t flushes = vmap_range.usage().flushes;
  std::uint32_t wrong = 0;
  for (std::uint32_t i = 0; vmap_range.usage().flushes < flushes + 3 && i < 10'000; ++i) {
    const std::uint32_t first = i % (kPages + 1);
    kmapper::Result<void*> area = vmap(pages.all().subspan(first, kPages));
    if (!area) return failed("vmap refused");
    for (std::uint32_t page = 0; page < kPages; ++page) {
      if (first_word(*area, page) != first + page) ++wrong;
    }
    vunmap(*area);
  }
  if (wrong != 0) return failed("a page showed another's number");
  return vmap_range.usage().flushes == flushes + 3 ? passed() : failed("it never flushed");
}

// Threads on all CPUs that map areas, check each other's, and unmap other threads' areas.
class Areas {
 public:
  Areas(const HighPages& pages, std::uint32_t until) : pages_(pages), until_(until) {}

  static void run(void* argument) {
    auto& self = *static_cast<Areas*>(argument);
    Prng random(self.seed_.fetch_add(1));
    while (static_cast<std::int32_t>(scheduler.now() - self.until_) < 0) self.exchange(random);
  }
  void unmap_all() {
    for (Area& area : areas_) check_and_unmap(area);
  }
  [[nodiscard]] std::uint32_t wrong() const { return wrong_.load(); }

 private:
  static constexpr std::uint32_t kMostPages = 16;
  struct Area {
    void* address = nullptr;
    std::uint32_t first = 0;  // the number of its first page
    std::uint32_t size = 0;
  };

  // Puts a new area in the place of an old one, and unmaps the old one.
  void exchange(Prng& random) {
    Area area{nullptr, random.below(kMostPages), 1 + random.below(kMostPages)};
    kmapper::Result<void*> mapped = vmap(pages_.all().subspan(area.first, area.size));
    if (!mapped) return fail();
    area.address = *mapped;
    check(area);
    Area old;
    {
      const Locked guard(lock_);
      Area& place = areas_[random.below(static_cast<std::uint32_t>(areas_.size()))];
      old = place;
      place = area;
    }
    check_and_unmap(old);
  }
  void check(const Area& area) {
    for (std::uint32_t i = 0; i < area.size; ++i) {
      if (first_word(area.address, i) != area.first + i) fail();
    }
  }
  void check_and_unmap(const Area& area) {
    if (area.address == nullptr) return;
    check(area);
    vunmap(area.address);
  }
  void fail() { wrong_.fetch_add(1); }

  const HighPages& pages_;  // numbered, twice kMostPages
  const std::uint32_t until_;
  Spinlock lock_{};
  std::array<Area, 64> areas_{};
  std::atomic<std::uint32_t> wrong_{0};
  std::atomic<std::uint32_t> seed_{0};
};

Outcome many_threads_map_and_unmap_areas() {
  constexpr std::uint32_t kThreads = 8;
  constexpr std::uint32_t kTicks = 60;
  const HighPages pages(32);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  Areas areas(pages, scheduler.now() + kTicks);
  std::array<Thread*, kThreads> threads{};
  for (Thread*& thread : threads) thread = thread_create("areas", Areas::run, &areas);
  bool ended = true;
  for (Thread* const thread : threads)
    ended = thread != nullptr && thread_join(*thread) == Ending::returned && ended;
  areas.unmap_all();
  if (!ended) return failed("a thread was not made, or died");
  return areas.wrong() == 0 ? passed() : failed("an area showed another page, or was refused");
}

// At three quarters full, areas of 1 to 16 pages come and go at random, and none is refused.
Outcome a_range_in_use_does_not_fragment() {
  static constinit std::array<void*, KernelPlatform::kMaxVmapPages / 2> areas{};
  const HighPages pages(16);
  if (pages.missing()) return skipped(kNoHighMemory);
  Prng random(1);
  std::uint32_t count = 0;
  std::uint32_t refused = 0;
  const auto drop_any = [&] {
    void*& chosen = areas[random.below(count)];
    vunmap(chosen);
    chosen = areas[--count];
  };
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    while (vmap_range.usage().used_pages > KernelPlatform::kMaxVmapPages * 3 / 4) drop_any();
    kmapper::Result<void*> area = vmap(pages.all().first(1 + random.below(16)));
    if (!area) {
      ++refused;
      continue;
    }
    touch(*area, 0);
    areas[count++] = *area;
  }
  while (count != 0) drop_any();
  return refused == 0 ? passed() : failed("an area was refused");
}

constinit Page* interrupts_page = nullptr;
constinit bool mapped_in_interrupt = false;

Outcome an_interrupt_maps_an_area() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  number_pages(pages);
  vmap_range.flush();  // not allowed here
  interrupts_page = pages[0];
  mapped_in_interrupt = false;
  set_interrupt_handler(Interrupt::software, [] {
    kmapper::Result<void*> area = vmap({&interrupts_page, 1});
    if (!area) return;
    mapped_in_interrupt = first_word(*area, 0) == 0;
    vunmap(*area);
  });
  raise_software_interrupt();
  return mapped_in_interrupt ? passed() : failed("it was refused, or saw another page");
}

// --- Misuse ---

Outcome vunmap_twice() {
  const HighPages pages(1);
  if (pages.missing()) return skipped(kNoHighMemory);
  const Sacrifice thread(
      [](void* pages) {
        kmapper::Result<void*> area = vmap(static_cast<const HighPages*>(pages)->all());
        vunmap(*area);
        vunmap(*area);
      },
      const_cast<HighPages*>(&pages));
  const std::string_view words[] = {"vunmap of an address where no area begins", "address 0xf"};
  return thread.expect_death(words);
}

Outcome the_page_behind_an_area_is_a_guard() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  kmapper::Result<void*> area = vmap(pages.all());
  if (!area) return failed("vmap refused");
  const Sacrifice thread([](void* area) { first_word(area, 2) = 1; }, *area);
  vunmap(*area);
  const std::string_view words[] = {"write to a page that is not mapped",
                                    "the guard page behind the vmap area of 2 pages"};
  return thread.expect_death(words);
}

Outcome use_after_vunmap() {
  const HighPages pages(2);
  if (pages.missing()) return skipped(kNoHighMemory);
  kmapper::Result<void*> area = vmap(pages.all());
  if (!area) return failed("vmap refused");
  touch(*area, 1);
  vunmap(*area);
  vmap_range.flush();
  const Sacrifice thread([](void* area) { touch(area, 1); }, *area);
  const std::string_view words[] = {"read of a page that is not mapped", "the vmap range"};
  return thread.expect_death(words);
}

constexpr SelfTest kTests[] = {
    {"vmap puts pages at consecutive addresses", pages_lie_at_consecutive_addresses},
    {"vmap of more than the range is refused", more_than_the_range_is_refused},
    {"vmap's addresses are used again after a flush", addresses_are_used_again_after_a_flush},
    {"many threads map and unmap areas", many_threads_map_and_unmap_areas},
    {"a vmap range in use does not fragment", a_range_in_use_does_not_fragment},
    {"an interrupt maps an area", an_interrupt_maps_an_area},
    {"vunmap twice", vunmap_twice},
    {"the page behind a vmap area is a guard", the_page_behind_an_area_is_a_guard},
    {"use after vunmap", use_after_vunmap},
};

}  // namespace

std::span<const SelfTest> vmap_tests() { return kTests; }

}  // namespace kmapper::kernel
