// The platform of all ports: all that kmapper asks of a kernel, said with what machine.hpp says of
// one CPU. ../README.md lists what that has to have.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/local_map.hpp"
#include "kmapper/core/mapper.hpp"
#include "kmapper/core/vmap.hpp"
#include "machine.hpp"
#include "pages.hpp"
#include "print.hpp"
#include "threads.hpp"

namespace port {

class Platform {
 public:
  // --- Types and constants ---
  using Page = port::Page*;
  using Stamp = const Thread*;  // this kernel does not note the time
  template <class T>
  using Atomic = kmapper::Atomic<T>;
  static constexpr size_t kMaxSlots = 512;
  static constexpr size_t kMaxCpus = port::kMaxCpus;
  static constexpr size_t kPageSize = port::kPageSize;
  static constexpr bool kHardwareSetsAccessed = machine::kSetsAccessed;
  static constexpr bool kChecked = KMAPPER_CHECKED != 0;
  static constexpr bool kStrict = false;

  // --- The big memory ---
  static bool is_high(Page page) { return page >= pages + kFirstHighPage; }
  static void* direct_address(Page page) { return low_address(page); }
  static bool is_direct(const void* address) {
    return number(address) - machine::kDirect < machine::kDirectSize;
  }
  static Atomic<uint32_t>& page_virtual(Page page) { return page->virtual_; }

  // --- The window ---
  static void* address(kmapper::SlotIndex slot) { return at(window_address(slot)); }
  static void write_pte(kmapper::SlotIndex slot, Page page) { map(window_address(slot), page); }
  static bool take_pte(kmapper::SlotIndex slot) { return unmap(window_address(slot)); }
  static void invalidate(kmapper::Span<const kmapper::SlotIndex> slots) {
    uint32_t addresses[kmapper::kLargestBatch];
    uint32_t count = 0;
    for (const kmapper::SlotIndex slot : slots) addresses[count++] = window_address(slot);
    machine::drop_everywhere(addresses, count);
  }

  // --- The CPU ---
  static uint32_t cpu() { return machine::cpu(); }
  // There are no handlers and no preemption, and locks turn interrupts off.
  static bool may_sleep() { return machine::interrupts_are_on(); }
  static bool may_flush() { return machine::interrupts_are_on(); }
  static void relax() { machine::relax(); }
  class InterruptsOff {
   public:
    explicit InterruptsOff(Platform& /*platform*/) : were_on_(machine::interrupts_are_on()) {
      machine::interrupts_off();
    }
    ~InterruptsOff() {
      if (were_on_) machine::interrupts_on();
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

   private:
    const bool were_on_;
  };

  // --- Sleeping ---
  using Lock = SpinLock;
  struct Sleeper {
    explicit Sleeper(Platform& /*platform*/) {}
    Atomic<uint32_t> woken{0};
  };
  // A sleeper looks whenever its turn comes. wake() leaves its mark, so that none is lost; the lock
  // orders everything, so the loop's load need not.
  static void sleep(Lock& lock, Sleeper& self, uint64_t deadline_ns) {
    lock.unlock();
    while (self.woken.load(kmapper::memory_order_relaxed) == 0 && now() < deadline_ns) yield();
    lock.lock();
    self.woken.store(0, kmapper::memory_order_relaxed);
  }
  static void wake(Sleeper& sleeper) { sleeper.woken.store(1, kmapper::memory_order_relaxed); }

  // --- Reports and counters ---
  static Stamp stamp() { return &running(); }
  static bool same_holder(Stamp one, Stamp other) { return one == other; }
  static uint64_t age_ns(Stamp /*stamp*/) { return 0; }
  static uint64_t now() { return machine::clock(); }
  static void count(kmapper::Event event, uint64_t n = 1) {
    this_cpu().counts[static_cast<size_t>(event)].add(static_cast<uint32_t>(n));
  }
  static void note_hit(Atomic<Stamp>& holder) {  // looks the CPU up once
    Cpu& here = this_cpu();
    holder.store(here.running, kmapper::memory_order_relaxed);
    here.counts[static_cast<size_t>(kmapper::Event::hit)].add(1);
  }
  static uint64_t counted(kmapper::Event event) {
    uint64_t sum = 0;
    for (const Cpu& cpu : cpus) sum += cpu.counts[static_cast<size_t>(event)].value();
    return sum;
  }
  static void report(const kmapper::MisuseReport<Platform>& misuse) {
    const kmapper::MisuseText text = kmapper::describe(misuse.what);
    print("kmapper: ", text.what);
    if (misuse.page != nullptr) print(", page ", number_of(misuse.page));
    if (misuse.slot != kmapper::kNoSlot) print(", slot ", to_number(misuse.slot));
    if (misuse.caller != nullptr) print_hex(", called from ", number(misuse.caller));
    print("; ", text.advice, "\n");
  }

  // --- kmap_local ---
  using LocalPte = machine::Entry;
  using LocalStack = port::LocalStack;
  static LocalStack& local_stack() { return running().local_stack; }
  static kmapper::LocalSlot first_local_slot() {
    return kmapper::LocalSlot{cpu() * kmapper::kLocalDepth};
  }
  static void* local_address(kmapper::LocalSlot slot) { return at(local(slot)); }
  static bool is_local(const void* address) {
    return number(address) - machine::kLocal < kMaxCpus * kmapper::kLocalDepth * 2 * kPageSize;
  }
  static void write_local_pte(kmapper::LocalSlot slot, Page page) {
    put_local_pte(slot, entry(page));
  }
  static void clear_local_pte(kmapper::LocalSlot slot) { (void)take_local_pte(slot); }
  static LocalPte take_local_pte(kmapper::LocalSlot slot) {
    const LocalPte taken = machine::entry_at(local(slot)).load(kmapper::memory_order_relaxed);
    machine::entry_at(local(slot)).store(0, kmapper::memory_order_relaxed);
    machine::drop(local(slot));
    return taken;
  }
  static void put_local_pte(kmapper::LocalSlot slot, LocalPte pte) {
    machine::entry_at(local(slot)).store(pte, kmapper::memory_order_relaxed);
    machine::after_write(local(slot));
  }
  static Page local_page(kmapper::LocalSlot slot) {
    const LocalPte pte = machine::entry_at(local(slot)).load(kmapper::memory_order_relaxed);
    if (pte == 0) return nullptr;
    return pages + static_cast<uint32_t>((machine::physical_of(pte) - machine::kRam) / kPageSize);
  }
  static void note_call_site(const void*& call_site) { call_site = __builtin_return_address(0); }

  // --- vmap ---
  static constexpr size_t kMaxVmapPages = 64;
  static void* vmap_address(kmapper::VmapPage page) { return at(vmap(page)); }
  static void write_vmap_pte(kmapper::VmapPage where, Page page) { map(vmap(where), page); }
  static bool take_vmap_pte(kmapper::VmapPage where) { return unmap(vmap(where)); }
  static void flush_vmap() { machine::drop_range_everywhere(machine::kVmap, kMaxVmapPages); }

 private:
  static uint32_t number(const void* address) {
    return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address));
  }
  static void* at(uint32_t address) { return reinterpret_cast<void*>(uintptr_t{address}); }
  static uint32_t window_address(kmapper::SlotIndex slot) {
    return machine::kWindow + to_number(slot) * kPageSize;
  }
  static uint32_t local(kmapper::LocalSlot slot) {
    return machine::kLocal + to_number(slot) * 2 * kPageSize;  // every other page is never mapped
  }
  static uint32_t vmap(kmapper::VmapPage page) {
    return machine::kVmap + to_number(page) * kPageSize;
  }
  static machine::Entry entry(Page page) { return machine::make_entry(physical_address(page)); }
  static void map(uint32_t address, Page page) {
    machine::entry_at(address).store(entry(page), kmapper::memory_order_release);
    machine::after_write(address);
  }
  // An exchange, not a load and a store: a CPU may set Accessed in between.
  static bool unmap(uint32_t address) {
    return machine::was_accessed(machine::entry_at(address).exchange(0));
  }
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
