#include "kernel/mm/kernel_platform.hpp"

#include "kernel/lib/console.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/panic.hpp"

namespace kmapper::kernel {

constinit PageTableEntry* KernelPlatform::pkmap_entries_ = nullptr;
constinit PageTableEntry* KernelPlatform::vmap_entries_ = nullptr;
alignas(kPageSize) constinit PageTableEntry KernelPlatform::local_entries_[kEntriesPerTable]{};
static_assert(kLocalEnd - kLocalBase == kLargePageSize);

namespace {

// Page tables for so many entries, contiguous in low memory, installed for the addresses from
// `base` on. Returns the first entry.
PageTableEntry* put_tables(MemoryMap& map, VirtAddr base, std::uint32_t entries,
                           std::string_view what) {
  const std::uint32_t tables = (entries + kEntriesPerTable - 1) / kEntriesPerTable;
  const std::optional<Pfn> first = map.take(tables, 1, {Pfn{0}, kFirstHighPfn});
  if (!first) panic("no {} pages in a row for the page tables of {} {}", tables, entries, what);
  void* const memory = phys_to_direct(to_phys(*first));
  memset(memory, 0, tables * kPageSize);
  for (std::uint32_t i = 0; i < tables; ++i) set_page_table(base + i * kLargePageSize, *first + i);
  return static_cast<PageTableEntry*>(memory);
}

}  // namespace

void pkmap_init(MemoryMap& map, std::uint32_t slots) {
  KernelPlatform::pkmap_entries_ = put_tables(map, kPkmapBase, slots, "slots");
}

void vmap_tables_init(MemoryMap& map) {
  KernelPlatform::vmap_entries_ =
      put_tables(map, kVmapBase, KernelPlatform::kMaxVmapPages, "pages of vmap");
}

void local_slots_init() {
  set_page_table(kLocalBase, to_pfn(direct_to_phys(KernelPlatform::local_entries_)));
}

// The range is so large that one full flush is cheaper than dropping its pages one by one.
void KernelPlatform::flush_vmap() {
  KernelPlatform self;
  flush_everything(self);
}

Page* KernelPlatform::alloc_page() { return alloc_pages(GFP_HIGHMEM, 0); }

void KernelPlatform::free_page(Page page) { free_page_of_others(page); }

void KernelPlatform::report(const MisuseReport<KernelPlatform>& misuse) {
  print_report(misuse);
  if (!is_notice(misuse.what) && can_die()) thread_die();
}

void KernelPlatform::print_report(const MisuseReport<KernelPlatform>& misuse) {
  const ConsoleHeld in_one_piece;
  const MisuseText text = describe(misuse.what);
  print("{}: {}", is_notice(misuse.what) ? "notice" : "misuse", text.what);
  if (misuse.page != nullptr) print(", page {}", page_to_pfn(misuse.page));
  if (misuse.address != nullptr) print(", address {}", misuse.address);
  if (misuse.slot != kNoSlot) print(", slot {}", misuse.slot);
  if (misuse.most_slots != 0) print(", {} slots of {} at most", misuse.slots, misuse.most_slots);
  if (misuse.slot != kNoSlot || misuse.what == Misuse::waiting_too_long) {
    const std::uint32_t holder = thread_number(misuse.holder);
    print(", {} thread {} \"{}\" {} ticks ago",
          misuse.slot != kNoSlot ? "taken by" : "asked for by", holder, name_of_thread(holder),
          ticks_since(misuse.holder, scheduler.now()));
  }
  const Thread& self = *this_cpu::current();
  print(", in thread {} \"{}\"{}", self.number(), self.name(),
        in_interrupt() ? ", in an interrupt" : "");
  if (misuse.caller != nullptr) print(", called from {}", misuse.caller);
  if (misuse.mapped_at != nullptr) print(", on top of a mapping made at {}", misuse.mapped_at);
  print("; {}\n", text.advice);
}

}  // namespace kmapper::kernel
