// The platform of the kernel: pages are physical page frames, the window is the pkmap, a thread is
// a kernel thread.
#pragma once

#include <cstdint>
#include <span>

#include "arch/atomic.hpp"
#include "arch/clock.hpp"
#include "arch/paging.hpp"
#include "arch/per_cpu.hpp"
#include "arch/tlb.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/memory_map.hpp"
#include "kernel/mm/page.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kmapper/core/platform.hpp"

namespace kmapper::kernel {

/// platform.hpp says in which contexts each function may be called.
class KernelPlatform {
 public:
  using Page = kernel::Page*;
  using Stamp = kernel::Stamp;
  using Lock = Spinlock;
  using LocalPte = PageTableEntry::Value;
  using LocalStack = Thread::LocalStack;
  template <class T>
  using Atomic = kernel::Atomic<T>;

  static constexpr std::size_t kMaxSlots = kernel::kMaxSlots;
  static constexpr std::size_t kMaxVmapPages = (kVmapEnd - kVmapBase) / kernel::kPageSize;
  static constexpr std::size_t kMaxCpus = kernel::kMaxCpus;
  static constexpr std::size_t kPageSize = kernel::kPageSize;
  static constexpr bool kHardwareSetsAccessed = true;  // SDM 3A 4.8, 4.10.2.3
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = KMAPPER_STRICT != 0;

  class InterruptsOff : kernel::InterruptsOff {
   public:
    explicit InterruptsOff(KernelPlatform& /*platform*/) {}
  };
  struct Sleeper {
    explicit Sleeper(KernelPlatform& /*platform*/) : thread(*this_cpu::current()) {}
    Thread& thread;
  };

  [[nodiscard]] static bool is_high(Page page) { return kernel::is_high(page); }
  [[nodiscard]] static void* direct_address(Page page) { return page_to_direct(page); }
  [[nodiscard]] static bool is_direct(const void* address) { return kernel::is_direct(address); }
  [[nodiscard]] static Atomic<std::uint32_t>& page_virtual(Page page) { return page->virtual_; }

  [[nodiscard]] static void* address(SlotIndex slot) {
    return to_pointer(kPkmapBase + kmapper::to_number(slot) * kernel::kPageSize);
  }
  static void write_pte(SlotIndex slot, Page page) { entry(slot).set(page_to_pfn(page)); }
  [[nodiscard]] static bool take_pte(SlotIndex slot) { return entry(slot).take(); }
  [[nodiscard]] static auto& posted_flushes() { return kernel::posted_flushes; }
  static void drop(SlotIndex slot) { invalidate_page_uncounted(address(slot)); }
  static void drop_all() { flush_all_unnoted(); }
  static void call(std::uint32_t cpus) { tlb::call(CpuSet{cpus}); }

  [[nodiscard]] static LocalStack& local_stack() { return this_cpu::current()->local_stack(); }
  [[nodiscard]] static LocalSlot first_local_slot() {
    return this_cpu::read(this_cpu::fields.first_local_slot);
  }
  [[nodiscard]] static bool is_local(const void* address) { return to_virt(address) >= kLocalBase; }
  [[nodiscard]] static void* local_address(LocalSlot slot) {
    return to_pointer(kLocalBase + kmapper::to_number(slot) * kLocalStride);
  }
  static void write_local_pte(LocalSlot slot, Page page) {
    local_entry(slot).set(page_to_pfn(page));
  }
  static void clear_local_pte(LocalSlot slot) {
    local_entry(slot).clear();
    invalidate_page_uncounted(local_address(slot));
    this_cpu::add(this_cpu::fields.invlpgs, 1);
  }
  [[nodiscard]] static LocalPte take_local_pte(LocalSlot slot) {
    const LocalPte value = local_entry(slot).value();
    clear_local_pte(slot);
    return value;
  }
  static void put_local_pte(LocalSlot slot, LocalPte pte) { local_entry(slot).set(pte); }
  [[nodiscard]] static Page local_page(LocalSlot slot) {
    const PageTableEntry& entry = local_entry(slot);
    return entry.is_present() ? pfn_to_page(entry.frame()) : nullptr;
  }
  static void note_call_site(const void*& call_site) {
    asm volatile("movl $., %0" : "=m"(call_site));
  }

  [[nodiscard]] static void* vmap_address(VmapPage at) {
    return to_pointer(kVmapBase + kmapper::to_number(at) * kernel::kPageSize);
  }
  static void write_vmap_pte(VmapPage at, Page page) { entry(at).set(page_to_pfn(page)); }
  [[nodiscard]] static bool take_vmap_pte(VmapPage at) { return entry(at).take(); }
  static void flush_vmap();

  [[nodiscard]] static Page alloc_page();
  static void free_page(Page page);
  [[nodiscard]] static bool hide_vmap_pte(VmapPage at) { return entry(at).hide(); }
  [[nodiscard]] static Page take_hidden_page(VmapPage at) {
    PageTableEntry& hidden = entry(at);
    if (!hidden.has_frame()) return nullptr;
    Page const page = pfn_to_page(hidden.frame());
    hidden.clear();
    return page;
  }

  [[nodiscard]] static std::uint32_t cpu() { return this_cpu::read(this_cpu::fields.number); }
  [[nodiscard]] static bool may_sleep() { return kernel::may_sleep(); }
  [[nodiscard]] static bool may_flush() { return interrupts_enabled() && !holds_spinlock(); }
  static void relax() { pause(); }

  static void sleep(Lock& lock, Sleeper& /*self*/, std::uint64_t deadline_ns) {
    scheduler.sleep(lock, deadline_ns);
  }
  static void wake(Sleeper& sleeper) { scheduler.wake(sleeper.thread); }

  [[nodiscard]] static Stamp stamp() { return this_cpu::read(this_cpu::fields.stamp); }
  [[nodiscard]] static bool same_holder(Stamp one, Stamp other) {
    return thread_number(one) == thread_number(other);
  }
  [[nodiscard]] static std::uint64_t age_ns(Stamp stamp) {
    return std::uint64_t{ticks_since(stamp, scheduler.now())} * kNanosecondsPerTick;
  }
  [[nodiscard]] static std::uint64_t now() { return now_ns(); }
  static void count(Event event, std::uint64_t n = 1) { this_cpu::add(counter(event), n); }
  [[nodiscard]] static std::uint64_t counted(Event event) { return sum_over_cpus(counter(event)); }

  /// Prints what happened and what to do about it. A misuse then ends the calling thread; an
  /// interrupt has no thread to end.
  static void report(const MisuseReport<KernelPlatform>& misuse);
  /// report(), but the calling thread goes on: for a mistake of another thread.
  static void print_report(const MisuseReport<KernelPlatform>& misuse);

 private:
  friend void pkmap_init(MemoryMap& map, std::uint32_t slots);
  friend void local_slots_init();
  friend void vmap_tables_init(MemoryMap& map);

  [[nodiscard]] static PageTableEntry& entry(SlotIndex slot) {
    return pkmap_entries_[kmapper::to_number(slot)];
  }
  [[nodiscard]] static PageTableEntry& entry(VmapPage at) {
    return vmap_entries_[kmapper::to_number(at)];
  }
  [[nodiscard]] static PageTableEntry& local_entry(LocalSlot slot) {
    return local_entries_[kmapper::to_number(slot) * (kLocalStride / kernel::kPageSize)];
  }
  [[nodiscard]] static std::uint64_t& counter(Event event) {
    return this_cpu::fields.events[static_cast<std::size_t>(event)];
  }

  static constinit PageTableEntry* pkmap_entries_;  // one for each slot, in the direct map
  static constinit PageTableEntry* vmap_entries_;   // one for each page, in the direct map
  static PageTableEntry local_entries_[kEntriesPerTable];
};

static_assert(PostingPlatform<KernelPlatform> && LocalPlatform<KernelPlatform> &&
              VmallocPlatform<KernelPlatform>);
static_assert(kLocalSlots == kMaxCpus * kLocalDepth);

/// Takes the window's page tables out of the map, contiguous in low memory, and installs them for
/// the window. Panics if there is no room. Once, at boot; 1 to kMaxSlots slots.
void pkmap_init(MemoryMap& map, std::uint32_t slots);

/// The same for the whole vmap range.
void vmap_tables_init(MemoryMap& map);

/// Installs the one page table of the CPUs' local slots. Once, at boot.
void local_slots_init();

}  // namespace kmapper::kernel
