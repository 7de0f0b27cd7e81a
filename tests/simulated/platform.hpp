// The platform (kmapper/core/platform.hpp) over a machine in software. The same class serves both
// ways of running threads: Threads is HostThreads or ScheduledThreads.
//
// The platform also checks the core's side of the contract: PTEs change with interrupts off,
// flushes happen with interrupts on. A violation is a fault in the machine's log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kmapper/core/platform.hpp"
#include "kmapper/core/posted_flushes.hpp"
#include "kmapper/core/table.hpp"
#include "simulated/addresses.hpp"
#include "simulated/machine.hpp"
#include "simulated/page.hpp"
#include "simulated/pte.hpp"
#include "simulated/stamp.hpp"

#ifndef KMAPPER_CHECKED
#define KMAPPER_CHECKED 0
#endif
#ifndef KMAPPER_STRICT
#define KMAPPER_STRICT 0
#endif

namespace kmapper::simulated {

template <class Threads>
class Computer;

/// A handle: all state is the computer's. Include simulated/computer.hpp to use it.
template <class Threads>
class Platform {
 public:
  using SlotWord = SlotWordOf<Threads>;
  using Descriptor = PageDescriptor<Threads::template Atomic, SlotWord>;
  using Page = Descriptor*;
  template <class T>
  using Atomic = typename Threads::template Atomic<T>;
  using Stamp = simulated::Stamp;
  using Lock = typename Threads::Lock;
  using LocalPte = simulated::LocalPte;
  using LocalStack = typename Threads::LocalStack;

  static constexpr std::size_t kMaxSlots = Threads::kMaxSlots;
  static constexpr std::size_t kMaxCpus = simulated::kMaxCpus;
  static constexpr std::size_t kPageSize = simulated::kPageSize;
  static constexpr bool kRemembers = kmapper::kRemembers<Threads>;
  static constexpr bool kFindsSlots = kmapper::kFindsSlots<Threads>;
  static constexpr bool kTablesOutside = kmapper::kTablesOutside<Threads>;
  static constexpr bool kHardwareSetsAccessed = true;
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = KMAPPER_STRICT != 0;

  constexpr explicit Platform(Computer<Threads>& computer) : computer_(&computer) {}

  [[nodiscard]] bool is_high(Page page) const { return page->is_high; }
  [[nodiscard]] void* direct_address(Page page) const {
    return simulated::direct_address(page->frame);
  }
  [[nodiscard]] bool is_direct(const void* address) const { return is_in_direct_map(address); }
  [[nodiscard]] Atomic<SlotWord>& page_virtual(Page page) const { return page->virtual_; }

  /// For windows that remember pages: as mixed as is needed, by splitmix64's multiplications.
  [[nodiscard]] static std::uint64_t hash(Page page) {
    std::uint64_t mixed = (to_number(page->frame) + std::uint64_t{1}) * 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    return mixed ^ (mixed >> 32);
  }

  [[nodiscard]] void* address(SlotIndex slot) const { return window_address(slot); }
  void write_pte(SlotIndex slot, Page page) {
    require(kFindsSlots || threads().interrupts_are_off(), "write_pte() with interrupts on");
    // The page's last slot has been flushed.
    if constexpr (kFindsSlots) machine().check_unmapped(page->frame);
    threads().change_pte(slot);
    machine().write_pte(slot, page->frame);
  }
  [[nodiscard]] bool take_pte(SlotIndex slot) {
    threads().change_pte(slot);
    const bool accessed = machine().take_pte(slot);
    threads().took_pte(slot, accessed);
    return accessed;
  }
  void invalidate(std::span<const SlotIndex> slots) requires(!Threads::kPosts);

  using Flushes = PostedFlushes<kMaxCpus, Threads::template Atomic>;
  [[nodiscard]] Flushes& posted_flushes() const requires(Threads::kPosts);
  void drop(SlotIndex slot) requires(Threads::kPosts);
  void drop_all() requires(Threads::kPosts);
  void call(std::uint32_t cpus) requires(Threads::kPosts);
  /// What the CPU does at a timer tick: drops what was posted.
  void come_by() requires(Threads::kPosts);
  /// The CPU uses no window address for a moment: it idles, or runs a user program.
  enum class Rest : std::uint8_t { idle, long_idle, user };
  void rest(Rest how) requires(Threads::kPosts);

  [[nodiscard]] LocalStack& local_stack() { return threads().local_stack(); }
  [[nodiscard]] LocalSlot first_local_slot() { return LocalSlot{cpu() * kLocalDepth}; }
  [[nodiscard]] bool is_local(const void* address) const { return is_in_local_slots(address); }
  [[nodiscard]] void* local_address(LocalSlot slot) const { return local_slot_address(slot); }
  void write_local_pte(LocalSlot slot, Page page);
  void clear_local_pte(LocalSlot slot);
  [[nodiscard]] LocalPte take_local_pte(LocalSlot slot);
  void put_local_pte(LocalSlot slot, const LocalPte& pte);
  [[nodiscard]] Page local_page(LocalSlot slot);
  [[gnu::always_inline]] static void note_call_site(const void*& call_site) {
    call_site = return_address();
  }

  static constexpr std::size_t kMaxVmapPages = simulated::kMaxVmapPages;
  [[nodiscard]] void* vmap_address(VmapPage page) const { return vmap_page_address(page); }
  void write_vmap_pte(VmapPage at, Page page) {
    threads().point();
    machine().vmap().write_pte(SlotIndex{to_number(at)}, page->frame);
  }
  [[nodiscard]] bool take_vmap_pte(VmapPage at) {
    threads().point();
    return machine().vmap().take_pte(SlotIndex{to_number(at)});
  }
  void flush_vmap();

  [[nodiscard]] Page alloc_page();
  void free_page(Page page);
  [[nodiscard]] bool hide_vmap_pte(VmapPage at) {
    threads().point();
    return machine().vmap().hide_pte(SlotIndex{to_number(at)});
  }
  [[nodiscard]] Page take_hidden_page(VmapPage at);

  [[nodiscard]] std::uint32_t cpu() const { return to_number(threads().cpu()); }
  [[nodiscard]] bool may_sleep() const { return threads().may_sleep(); }
  [[nodiscard]] bool may_flush() const { return threads().may_flush(); }
  void relax() { threads().relax(); }

  class InterruptsOff : public Threads::InterruptsOff {
   public:
    explicit InterruptsOff(Platform& platform) : Threads::InterruptsOff(platform.threads()) {}
  };
  class Sleeper : public Threads::Sleeper {
   public:
    explicit Sleeper(Platform& platform) : Threads::Sleeper(platform.threads()) {}
  };

  void sleep(Lock& lock, Sleeper& sleeper, std::uint64_t deadline_ns) {
    threads().sleep(lock, sleeper, deadline_ns);
  }
  void wake(Sleeper& sleeper) {
    require(threads().interrupts_are_off(), "wake() without the lock");
    if (!machine().sabotage().wake_dropped.strikes()) threads().wake(sleeper);
  }

  [[nodiscard]] Stamp stamp() const { return threads().stamp(); }
  [[nodiscard]] bool same_holder(Stamp one, Stamp other) const {
    return one.thread == other.thread;
  }
  [[nodiscard]] std::uint64_t age_ns(Stamp stamp) const { return threads().age_ns(stamp); }
  [[nodiscard]] std::uint64_t now() const { return threads().now(); }
  void count(Event event) { threads().count(event, 1); }
  void count(Event event, std::uint64_t n) { threads().count(event, n); }
  [[nodiscard]] std::uint64_t counted(Event event) const { return threads().counted(event); }
  void report(const MisuseReport<Platform>& misuse);

 private:
  [[gnu::noinline]] static const void* return_address() { return __builtin_return_address(0); }
  [[nodiscard]] Threads& threads() const;
  [[nodiscard]] Machine& machine() const;
  void drop_all_of(CpuIndex cpu);
  void require_own(LocalSlot slot) {
    require(to_number(slot) / kLocalDepth == cpu(), "a local slot of another CPU");
  }
  void require(bool holds, const char* breach) {
    if (!holds) [[unlikely]]
      machine().faults().record(breach);
  }

  Computer<Threads>* computer_;
};

}  // namespace kmapper::simulated
