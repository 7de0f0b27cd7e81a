// A page's state word tells the allocator, when the page comes back, that a block begins here, and
// of which order. It changes by compare-and-swap: if two threads free the same block, one is
// refused. Inside a block, and in free memory, the word is 0.
#include "kernel/mm/page_alloc.hpp"

#include <algorithm>
#include <atomic>

#include "kernel/lib/print.hpp"
#include "kernel/mm/boot_memory.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/vmap.hpp"
#include "kernel/mm/zone.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kAllocated = 0x100;  // plus the order
constexpr std::uint32_t kKeptOut = 0x200;

constexpr PfnRange kLowRange{Pfn{0}, kFirstHighPfn};
constexpr PfnRange kHighRange{kFirstHighPfn, kMaxPfn};

constinit Zone low_zone;
constinit Zone high_zone;

Zone& zone_of(Pfn pfn) { return is_high(pfn) ? high_zone : low_zone; }

std::string_view describe(Buddy::Refusal refusal) {
  switch (refusal) {
    case Buddy::Refusal::none:
      break;
    case Buddy::Refusal::order_too_big:
      return "its order is too big";
    case Buddy::Refusal::outside:
      return "it lies in no zone";
    case Buddy::Refusal::misaligned:
      return "it does not begin on a multiple of its size";
    case Buddy::Refusal::already_free:
      return "it is free already, in part or whole";
  }
  return "there is nothing wrong with it";
}

void open_zone(Zone& zone, PfnRange span, MemoryMap& map) {
  if (span.size() == 0) return;
  const std::size_t words = Buddy::words_needed(span);
  const std::size_t bytes = words * sizeof(BitmapTree::Word);
  void* const memory = allocate_boot_memory(map, bytes);
  zone.open(span, {static_cast<BitmapTree::Word*>(memory), words});
}

Page* alloc_from(Zone& zone, unsigned order) {
  const std::optional<Pfn> first = zone.alloc(order);
  if (!first) return nullptr;
  Page* const page = pfn_to_page(*first);
  page->state_ = kAllocated + order;
  return page;
}

// When the zone has no such block, frees the memory that waits for a flush since vfree(), and tries
// once more.
Page* alloc_or_free_waiting(Zone& zone, unsigned order) {
  Page* const page = alloc_from(zone, order);
  if (page != nullptr || !vmap_range.free_waiting()) return page;
  return alloc_from(zone, order);
}

// Whether the block was allocated with this order. If so, the caller owns it now, and frees it.
bool claim(Page* block, unsigned order) {
  std::uint32_t expected = kAllocated + order;
  return order <= Buddy::kMaxOrder &&
         std::atomic_ref(block->state_).compare_exchange_strong(expected, 0);
}

FreeResult refuse(const Page* block, unsigned order, const void* caller) {
  const std::uint32_t state = block->state_;
  print("free_pages: page {}, order {}, from {}: ", page_to_pfn(block), order, caller);
  if (state == 0) {
    print("no block begins there; refused\n");
  } else if (state == kKeptOut) {
    print("it was pinned when it was freed before; refused\n");
  } else {
    print("it was allocated with order {}; refused\n", state - kAllocated);
  }
  return FreeResult::refused;
}

void free_to_zone(PfnRange pages) {
  if (pages.size() == 0) return;
  const Buddy::Refusal refusal = zone_of(pages.begin).free(pages);
  if (refusal == Buddy::Refusal::none) return;
  print("free_pages: pages {} to {}: {}; refused\n", pages.begin, pages.end, describe(refusal));
}

// Takes the pages' slots back, up to the first pinned page, and returns when no TLB holds them. A
// page that was mapped before keeps in its cell what it waits for; one that never was waits for
// nothing.
Pfn evict_until_pinned(PfnRange pages) {
  bool flush_owed = false;
  Pfn pfn = pages.begin;
  for (; pfn < pages.end; pfn = pfn + 1) {
    Page* const page = pfn_to_page(pfn);
    // Relaxed: evict() reads it again, and the page's users have ended before it is freed.
    if (page->virtual_.load(std::memory_order_relaxed) == 0) continue;
    const Evicted evicted = highmem.evict(page);
    if (evicted == Evicted::pinned) break;
    if (evicted == Evicted::flush_owed) flush_owed = true;
  }
  if (flush_owed) highmem.finish_flushes();  // reports that the caller may not flush
  return std::min(pfn, pages.end);
}

// Gives the pages, all of one zone, back to it, except the pinned ones. Returns the first pinned
// page, or null.
Page* free_unpinned(PfnRange pages) {
  Page* first_pinned = nullptr;
  for (;;) {
    const Pfn pinned = evict_until_pinned(pages);
    free_to_zone({pages.begin, pinned});
    if (pinned == pages.end) return first_pinned;
    Page* const page = pfn_to_page(pinned);
    page->state_ = kKeptOut;
    if (first_pinned == nullptr) first_pinned = page;
    pages.begin = pinned + 1;
  }
}

using Report = MisuseReport<KernelPlatform>;

// `report` says what it is told.
void report_pinned(Page* page, const void* caller, void (*report)(const Report&)) {
  const SlotIndex slot = highmem.find(page);
  if (slot == kNoSlot) return;  // unmapped meanwhile
  report({Misuse::freed_while_pinned, page, slot, highmem.inspect(slot).holder,
          KernelPlatform::address(slot), caller});
}

}  // namespace

std::string_view describe(AllocError error) {
  switch (error) {
    case AllocError::none:
      return "done";
    case AllocError::out_of_memory:
      return "out of memory";
    case AllocError::order_too_big:
      return "the order is too big";
    case AllocError::highmem_has_no_address:
      return "high memory has no address: use alloc_pages() and kmap()";
  }
  return "unknown";
}

void page_alloc_init(MemoryMap& map, Pfn end) {
  open_zone(low_zone, intersect(kLowRange, {Pfn{0}, end}), map);
  open_zone(high_zone, intersect(kHighRange, {Pfn{0}, end}), map);
  for (const PfnRange region : map.regions()) {
    for (const PfnRange zone : {kLowRange, kHighRange}) {
      const PfnRange pages = intersect(region, zone);
      zone_of(zone.begin).enlarge(pages.size());
      free_to_zone(pages);
    }
  }
}

Page* alloc_pages(GfpFlags flags, unsigned order) {
  if (flags.highmem()) {
    Page* const page = alloc_or_free_waiting(high_zone, order);
    if (page != nullptr) return page;
  }
  return alloc_or_free_waiting(low_zone, order);
}

Result<void*, AllocError> get_free_pages(GfpFlags flags, unsigned order) {
  if (flags.highmem()) return AllocError::highmem_has_no_address;
  if (order > Buddy::kMaxOrder) return AllocError::order_too_big;
  Page* const block = alloc_pages(flags, order);
  if (block == nullptr) return AllocError::out_of_memory;
  return page_to_direct(block);
}

FreeResult free_pages(Page* block, unsigned order) {
  const void* const caller = __builtin_return_address(0);
  if (!claim(block, order)) return refuse(block, order, caller);
  const Pfn first = page_to_pfn(block);
  Page* const pinned = free_unpinned({first, first + (1U << order)});
  if (pinned == nullptr) return FreeResult::freed;
  report_pinned(pinned, caller, KernelPlatform::report);
  return FreeResult::kept_out;
}

void free_page_of_others(Page* page) {
  const void* const caller = __builtin_return_address(0);
  if (!claim(page, 0)) return (void)refuse(page, 0, caller);
  const Pfn first = page_to_pfn(page);
  if (free_unpinned({first, first + 1}) != nullptr)
    report_pinned(page, caller, KernelPlatform::print_report);
}

void release_reserved(PfnRange pages) {
  const void* const caller = __builtin_return_address(0);
  for (const PfnRange zone : {kLowRange, kHighRange}) {
    const PfnRange part = intersect(pages, zone);
    zone_of(zone.begin).enlarge(part.size());
    Page* const pinned = free_unpinned(part);
    if (pinned != nullptr) report_pinned(pinned, caller, KernelPlatform::report);
  }
}

PageCounts page_counts() {
  return {low_zone.pages(), low_zone.free_pages(), high_zone.pages(), high_zone.free_pages()};
}

void report_out_of_memory(GfpFlags flags, unsigned order) {
  const PageCounts counts = page_counts();
  print("out of memory: no block of order {} in {} memory; pages free: {} low, {} high\n", order,
        flags.highmem() ? "high or low" : "low", counts.low_free, counts.high_free);
}

}  // namespace kmapper::kernel
