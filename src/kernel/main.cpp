// From boot to the job. The order matters: the loader's information is read before anything is
// allocated; reserved memory is taken out of the memory map before the zones open; mem_map, the
// zones' bitmaps and the window's page tables come out of the same map.
#include <algorithm>
#include <optional>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/machine.hpp"
#include "arch/paging.hpp"
#include "arch/tlb.hpp"
#include "kernel/boot_info.hpp"
#include "kernel/drivers/screen.hpp"
#include "kernel/drivers/serial.hpp"
#include "kernel/jobs/job.hpp"
#include "kernel/jobs/options.hpp"
#include "kernel/lib/command_line.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/mem_map.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/mm/vmap.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/sched/thread.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kDefaultSlots = 512;

constinit Thread idle_thread{"idle", 0, Thread::Kind::idle};
constinit MemoryMap ram;                  // all memory that the kernel can use
constinit MemoryMap left;                 // the part of it that is free
constinit std::optional<Pfn> start_page;  // below 1 MiB, for CPUs to start in

// Takes out what no page descriptor, or no address of this CPU, reaches.
void find_usable_memory(const BootInfo& boot) {
  constexpr std::uint32_t kPagesInMib = (1U << 20) / kPageSize;
  ram = boot.memory;
  const PhysAddr end = std::min(to_phys(kMaxPfn), physical_end());
  const std::uint32_t all = ram.pages();
  ram.reserve({end, PhysAddr{UINT64_MAX}});
  if (ram.pages() != all) {
    print("memory from {} on is left unused: {} MiB\n", end, (all - ram.pages()) / kPagesInMib);
  }
  if (ram.lost_pages() != 0) {
    print(
        "the memory map falls into more than {} pieces; the smallest, of {} KiB in all, are left "
        "unused\n",
        MemoryMap::kMaxRegions, ram.lost_pages() * (kPageSize / 1024));
  }
  ram.reserve(kVideoAndRoms);
}

void find_memory(const BootInfo& boot) {
  find_usable_memory(boot);
  left = ram;
  left.reserve(kFirmwareMemory);
  left.reserve(image_range());
  for (const BootModule& module : boot.modules) left.reserve(module.range);
  start_page = left.take(1, 1, {Pfn{0}, Pfn{0xA0}});
}

// If the page 4 GiB higher cannot be used, because it is not RAM or belongs to a boot module, the
// kernel assumes that the CPU finds high tables.
void probe_page_tables() {
  const Pfn twin = probe_table_frame() + (1U << (32 - kPageShift));
  MemoryMap untaken = left;
  if (!untaken.take(1, 1, {twin, twin + 1})) return;
  probe_high_tables(twin);
  if (!finds_high_tables())
    print("this CPU finds no page tables above 4 GiB: none are put there\n");
}

// The page is freed only when all CPUs run. drop_ipi=N, in a checked build: tests that the tests
// find a missing shootdown.
void other_cpus_init(const BootInfo& boot) {
  constexpr std::uint32_t kMostKept = KMAPPER_CHECKED != 0 ? 1U << 30 : 0;
  tlb::lose_answers(number_option(boot, "drop_ipi", 0, 0, kMostKept));
  if (!start_page)
    return print("no page between 64 and 640 KiB is free for CPUs to start in: one CPU is used\n");
  if (start_cpus(*start_page)) release_reserved({*start_page, *start_page + 1});
}

void memory_init(const BootInfo& boot) {
  const std::uint32_t slots = number_option(boot, "slots", kDefaultSlots, 1, kMaxSlots);
  find_memory(boot);
  paging_init(ram.regions());
  screen_init(boot.screen);
  probe_page_tables();
  mem_map_init(left, ram.regions());
  pkmap_init(left, slots);
  local_slots_init();
  vmap_init(left);
  page_alloc_init(left, ram.end());
  highmem.open(slots);
  const std::string_view pages = find_word(boot.command_line, "pages");
  if (!pages.empty() && pages != "small") panic("pages={}: there is pages=small", pages);
  if (pages == "small" && !split_blocks()) panic("pages=small: no memory for the page tables");
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(std::uint32_t magic, std::uint32_t multiboot) {
  serial_init();
  screen_find();
  machine_init();
  static constinit const BootInfo* boot = nullptr;
  boot = &read_boot_info(magic, PhysAddr{multiboot});
  memory_init(*boot);

  interrupts_init();
  tlb::start();
  scheduler.start(idle_thread);
  clock_init([] { scheduler.tick(); });
  other_cpus_init(*boot);
  const auto job = [](void*) { run_job(*boot); };
  if (thread_create("job", job, nullptr) == nullptr) panic("no memory for the first thread");
  idle();
}

}  // namespace kmapper::kernel
