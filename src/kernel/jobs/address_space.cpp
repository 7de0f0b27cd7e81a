#include <string_view>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "kernel/jobs/main_steps.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/lib/print.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {
namespace {

void print_region(VirtAddr begin, VirtAddr end, std::string_view what) {
  const std::uint32_t size = end - begin;
  const bool in_mib = size >= 1U << 20;
  print("  {} - {}  {:6} {}  {}\n", begin, end, in_mib ? size >> 20 : size >> 10,
        in_mib ? "MiB" : "KiB", what);
}

void print_memory(std::string_view name, std::uint32_t pages, std::uint32_t free) {
  constexpr std::uint32_t kPagesInMib = (1U << 20) / kPageSize;
  print("  {:11}  {:6} MiB  {:9} pages, {} of them free\n", name, pages / kPagesInMib, pages, free);
}

}  // namespace

void print_address_space(const BootInfo& boot) {
  const std::uint32_t slots = highmem.slot_count();
  const VirtAddr window_end = kPkmapBase + slots * kPageSize;
  print("address space\n");
  print_region(kDirectMapBase, kDirectMapEnd, "direct map of low memory");
  print_region(kMemMapBase, kMemMapEnd, "mem_map, the page descriptors");
  print_region(kBootMemoryBase, kBootMemoryEnd, "boot memory: the zones' bitmaps");
  print_region(kStackAreaBase, kStackAreaEnd, "stacks, each above a guard page");
  print_region(kStackAreaEnd, kPkmapBase, "guard, never mapped");
  print_region(kPkmapBase, window_end, "pkmap, the window");
  print_region(window_end, window_end + kPageSize, "guard, never mapped");
  print_region(kLocalBase, kLocalEnd, "kmap_local: each CPU's slots, each below a guard page");
  print_region(kVmapBase, kVmapEnd, "vmap and vmalloc: areas of pages, each below a guard page");
  print_region(kDevicesBase, kDevicesEnd, "devices: the local APICs");

  const PageCounts counts = page_counts();
  print("memory\n");
  print_memory("low memory", boot.memory.pages({Pfn{0}, kFirstHighPfn}), counts.low_free);
  print_memory("high memory", boot.memory.pages({kFirstHighPfn, kMaxPfn}), counts.high_free);
  constexpr std::uint32_t kHundredthsOfMegahertz = 10'000;
  print("CPUs\n  {} run; their time-stamp counters have {} MHz, by the {}\n", cpu_count(),
        Hundredths{divide(tsc_per_second(), kHundredthsOfMegahertz).quotient}, clock_source());
  print("window\n");
  print("  {} slots of {} bytes, from {} to {}\n", slots, kPageSize, kPkmapBase, window_end);
}

}  // namespace kmapper::kernel
