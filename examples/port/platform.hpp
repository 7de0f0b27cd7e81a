// The platform: all that kmapper asks of the kernel in machine.hpp. docs/PORTING.md says what each
// function must do, and what often goes wrong in it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/local_map.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/vmap.hpp"
#include "machine.hpp"

namespace port {

class Platform {
 public:
  // --- Types and constants ---
  using Page = port::Page*;
  using Stamp = uint32_t;  // a thread's number; this kernel does not note the time
  template <class T>
  using Atomic = kmapper::Atomic<T>;
  static constexpr size_t kMaxSlots = 64;
  static constexpr size_t kMaxCpus = 1;
  static constexpr size_t kPageSize = port::kPageSize;
  static constexpr bool kHardwareSetsAccessed = true;
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = false;

  // --- The big memory ---
  static bool is_high(Page page) { return page >= pages + kFirstHighPage; }
  static void* direct_address(Page page) {
    return reinterpret_cast<void*>(static_cast<uintptr_t>(page - pages) * kPageSize);
  }
  static bool is_direct(const void* address) {
    return reinterpret_cast<uintptr_t>(address) < kFirstHighPage * kPageSize;
  }
  static Atomic<uint32_t>& page_virtual(Page page) { return page->virtual_; }

  // --- The window ---
  static void* address(kmapper::SlotIndex slot) { return at(kWindow, to_number(slot)); }
  // No CPU can use the entry yet, and a store is one access, so there is nothing to order. With PAE
  // there are two stores, and the half with Present comes last.
  static void write_pte(kmapper::SlotIndex slot, Page page) {
    window_table[to_number(slot)].store(entry(page), kmapper::memory_order_release);
  }
  // An exchange, not a load and a store: the CPU may set Accessed in between.
  static bool take_pte(kmapper::SlotIndex slot) {
    return (window_table[to_number(slot)].exchange(0) & kAccessed) != 0;
  }
  // With several CPUs, this function also notifies all others, and waits for them.
  static void invalidate(kmapper::Span<const kmapper::SlotIndex> slots) {
    for (const kmapper::SlotIndex slot : slots) invlpg(address(slot));
  }

  // --- The CPU ---
  static uint32_t cpu() { return 0; }
  static bool may_sleep() { return interrupts_are_on(); }  // there are no handlers or preemption
  static bool may_flush() { return interrupts_are_on(); }
  static void relax() { asm volatile("pause"); }
  class InterruptsOff {
   public:
    explicit InterruptsOff(Platform& /*platform*/) : were_on_(interrupts_are_on()) {
      interrupts_off();
    }
    ~InterruptsOff() {
      if (were_on_) interrupts_on();
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

   private:
    const bool were_on_;
  };

  // --- Sleeping ---
  // With one CPU and no preemption, interrupts off are enough. With more CPUs, use a spinlock here.
  class Lock {
   public:
    void lock() {
      const bool were_on = interrupts_are_on();
      interrupts_off();
      were_on_ = were_on;
    }
    void unlock() {
      if (were_on_) interrupts_on();
    }

   private:
    bool were_on_ = false;  // written by the thread that holds the lock
  };
  struct Sleeper {
    explicit Sleeper(Platform& /*platform*/) {}
    bool woken = false;  // guarded by the lock
  };
  // Threads run until they yield, so no wake-up comes between the unlock and the loop. With
  // preemption, the thread must leave the run queue before the lock is released.
  static void sleep(Lock& lock, Sleeper& self, uint64_t deadline_ns) {
    lock.unlock();
    while (!self.woken && clock() < deadline_ns) yield();
    lock.lock();
    self.woken = false;
  }
  static void wake(Sleeper& sleeper) { sleeper.woken = true; }

  // --- Reports and counters ---
  static Stamp stamp() { return number_of(*current_thread); }
  static bool same_holder(Stamp one, Stamp other) { return one == other; }
  static uint64_t age_ns(Stamp /*stamp*/) { return 0; }
  static uint64_t now() { return clock(); }
  static void count(kmapper::Event event, uint64_t n = 1) {
    counts_[static_cast<size_t>(event)] += n;
  }
  static uint64_t counted(kmapper::Event event) { return counts_[static_cast<size_t>(event)]; }
  static void report(const kmapper::MisuseReport<Platform>& misuse) {
    const kmapper::MisuseText text = kmapper::describe(misuse.what);
    print("kmapper: ");
    print(text.what);
    if (misuse.page != nullptr) print_hex(", page ", misuse.page - pages);
    if (misuse.slot != kmapper::kNoSlot) print_hex(", slot ", to_number(misuse.slot));
    if (misuse.caller != nullptr)
      print_hex(", called from ", reinterpret_cast<uintptr_t>(misuse.caller));
    print("; ");
    print(text.advice);
    print("\n");
  }

  // --- kmap_local ---
  using LocalPte = Entry;
  using LocalStack = kmapper::LocalStack<LocalPte, kmapper::Atomic>;
  static LocalStack& local_stack() { return current_thread->local_stack; }
  static kmapper::LocalSlot first_local_slot() { return kmapper::LocalSlot{0}; }
  static void* local_address(kmapper::LocalSlot slot) { return at(kLocal, to_number(slot)); }
  static bool is_local(const void* address) {
    return reinterpret_cast<uintptr_t>(address) - kLocal < kVmap - kLocal;
  }
  static void write_local_pte(kmapper::LocalSlot slot, Page page) {
    put_local_pte(slot, entry(page));
  }
  static void clear_local_pte(kmapper::LocalSlot slot) { (void)take_local_pte(slot); }
  static LocalPte take_local_pte(kmapper::LocalSlot slot) {
    const LocalPte taken = local_entry(slot).load(kmapper::memory_order_relaxed);
    put_local_pte(slot, 0);
    invlpg(local_address(slot));
    return taken;
  }
  static void put_local_pte(kmapper::LocalSlot slot, LocalPte pte) {
    local_entry(slot).store(pte, kmapper::memory_order_relaxed);  // only this thread's: no order
  }
  static Page local_page(kmapper::LocalSlot slot) {
    const LocalPte pte = local_entry(slot).load(kmapper::memory_order_relaxed);
    return (pte & kPresent) != 0 ? pages + pte / kPageSize : nullptr;
  }
  static void note_call_site(const void*& call_site) { call_site = __builtin_return_address(0); }

  // --- vmap ---
  static constexpr size_t kMaxVmapPages = 64;
  static void* vmap_address(kmapper::VmapPage page) { return at(kVmap, to_number(page)); }
  static void write_vmap_pte(kmapper::VmapPage where, Page page) {
    vmap_table[to_number(where)].store(entry(page), kmapper::memory_order_release);
  }
  static bool take_vmap_pte(kmapper::VmapPage where) {
    return (vmap_table[to_number(where)].exchange(0) & kAccessed) != 0;
  }
  static void flush_vmap() {
    for (uint32_t i = 0; i < kMaxVmapPages; ++i) invlpg(vmap_address(kmapper::VmapPage{i}));
  }

 private:
  static void* at(uintptr_t base, uint32_t number) {
    return reinterpret_cast<void*>(base + number * kPageSize);
  }
  // Accessed is clear: take_pte() asks whether the CPU has set it.
  static Entry entry(Page page) {
    return static_cast<Entry>(page - pages) * kPageSize | kPresent | kWritable;
  }
  static kmapper::Atomic<Entry>& local_entry(kmapper::LocalSlot slot) {
    return local_table[to_number(slot)];
  }

  static inline uint64_t counts_[static_cast<size_t>(kmapper::Event::kCount)] = {};
};

static_assert(kmapper::LocalPlatform<Platform> && kmapper::VmapPlatform<Platform>);

}  // namespace port

extern template class kmapper::Mapper<port::Platform>;
extern template class kmapper::LocalMapper<port::Platform>;
extern template class kmapper::VmapRange<port::Platform>;

namespace port {

extern constinit kmapper::Mapper<Platform> highmem;
extern constinit kmapper::LocalMapper<Platform> local_maps;
extern constinit kmapper::VmapRange<Platform> vmap_range;

}  // namespace port
