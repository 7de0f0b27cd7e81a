// kmap_local: maps any page for the calling thread, on the CPU where it runs. Every CPU has slots
// of its own and uses them as a stack:
//
//     CPU 0's slots   | thread's 1st | thread's 2nd | interrupt's 1st |  empty ...
//                                                                     ^ depth
//
// kmap_local    raises the depth and fills the entry below it, which is empty and not in the TLB.
// kunmap_local  empties the entry on top, drops it from this CPU's TLB, and lowers the depth.
//
// No other CPU uses the slots, so there is no lock, no locked instruction, and no other CPU to
// notify. An interrupt maps on top of the thread that it interrupted, and unmaps before it returns.
// A thread that holds a mapping stays on its CPU. It may be preempted, and may sleep: a context
// switch takes its entries away, and puts them back when the thread runs again. So its addresses
// are valid for this thread only, but for as long as it holds them.
//
// The order of the steps allows an interrupt or a preemption at every moment. The depth is raised
// before the CPU is looked up and the entry is written, and lowered after the entry is clean. A
// switch keeps all entries below the depth, even one that is half written.
#pragma once

#include <stdint.h>

#include "kmapper/core/atomic.hpp"
#include "kmapper/core/local_stack.hpp"
#include "kmapper/core/platform.hpp"
#include "kmapper/core/report.hpp"

namespace kmapper {

template <class P>
class LocalMapping;
template <class P>
class LocalPair;

/// The local mappings of one platform.
template <class P>
class LocalMapper {
 public:
  static_assert(LocalPlatform<P>);
  using Page = typename P::Page;
  using Stack = typename P::LocalStack;

  constexpr explicit LocalMapper(P platform) : platform_(platform) {}
  LocalMapper(const LocalMapper&) = delete;
  LocalMapper& operator=(const LocalMapper&) = delete;

  /// Maps the page and returns its address, valid in this thread (or interrupt) until
  /// kunmap_local(). Mappings must be given back in the reverse of the order in which they were
  /// made. Never sleeps and never waits. Any context. A pair costs about forty instructions. Null
  /// only after a report: local_too_deep. Inlined, as kunmap_local() is, so that reports name the
  /// caller.
  [[nodiscard, gnu::always_inline]] void* kmap_local(Page page) {
    if (!platform_.is_high(page)) return platform_.direct_address(page);
    Stack& stack = platform_.local_stack();
    const uint32_t depth = stack.depth_.load(memory_order_relaxed);
    if (depth == kLocalDepth) [[unlikely]]
      return too_deep(page, call_site());
    platform_.note_call_site(stack.callers_[depth]);
    return fill(raise<1>(stack, depth), page);
  }

  /// Gives back the last mapping that this thread (or interrupt) holds. `address` may be anywhere
  /// in the page. Any context.
  [[gnu::always_inline]] void kunmap_local(const void* address) {
    if (platform_.is_direct(address)) return;
    Stack& stack = platform_.local_stack();
    const uint32_t depth = stack.depth_.load(memory_order_relaxed);
    const LocalSlot top = slot_at(depth - 1);
    if (depth == 0 || !lies_in(address, top)) [[unlikely]]
      return not_on_top(address, call_site());
    lower<1>(stack, depth, top);
  }

  // --- For the platform's scheduler and interrupt entry ---

  /// Call it at a context switch, on the CPU where `from` ran and `to` will run. Interrupts off.
  /// Costs two instructions for a thread that holds nothing.
  void switch_stacks(Stack& from, Stack& to) {
    if (!from.is_empty()) [[unlikely]]
      take_entries(from);
    if (!to.is_empty()) [[unlikely]]
      put_entries(to);
  }

  /// How many mappings the running thread and the interrupts on top of it hold. Any context.
  [[nodiscard]] uint32_t depth() {
    return platform_.local_stack().depth_.load(memory_order_relaxed);
  }
  /// Drops all mappings above `depth`, without a report. Returns how many.
  uint32_t unwind(uint32_t depth);
  /// The same, and reports them (local_left_mapped): an interrupt handler or a thread has ended,
  /// and should have unmapped down to `depth`.
  void expect_depth(uint32_t depth) {
    if (this->depth() > depth) [[unlikely]]
      left_mapped(depth);
  }

 private:
  friend class LocalMapping<P>;
  friend class LocalPair<P>;

  /// Where the call is inlined. Not a report's return address, because a call at a function's end
  /// is compiled to a jump.
  [[gnu::always_inline]] const void* call_site() {
    const void* here = nullptr;
    platform_.note_call_site(here);
    return here;
  }

  /// Takes slots, and returns the first. From here on the thread stays on its CPU, and interrupts
  /// map above these slots.
  template <uint32_t kSlots>
  LocalSlot raise(Stack& stack, uint32_t depth) {
    stack.depth_.store(depth + kSlots, memory_order_relaxed);
    compiler_barrier();
    return slot_at(depth);
  }
  void* fill(LocalSlot slot, Page page) {
    platform_.write_local_pte(slot, page);
    return platform_.local_address(slot);
  }
  /// Empties the slots on top, and lowers the depth.
  template <uint32_t kSlots>
  void lower(Stack& stack, uint32_t depth, LocalSlot top) {
    for (uint32_t i = 0; i < kSlots; ++i) platform_.clear_local_pte(LocalSlot{to_number(top) - i});
    compiler_barrier();
    stack.depth_.store(depth - kSlots, memory_order_relaxed);
  }

  // For LocalMapping and LocalPair in local_mapping.hpp.
  struct Addresses {
    void* first;
    void* second;
  };
  /// Two high pages in one step. Null only after a report.
  [[gnu::always_inline]] Addresses map_two(Page first, Page second) {
    Stack& stack = platform_.local_stack();
    const uint32_t depth = stack.depth_.load(memory_order_relaxed);
    if (depth + 2 > kLocalDepth) [[unlikely]]
      return {too_deep(second, call_site()), nullptr};
    platform_.note_call_site(stack.callers_[depth]);
    platform_.note_call_site(stack.callers_[depth + 1]);
    const LocalSlot slot = raise<2>(stack, depth);
    void* const address = fill(slot, first);
    return {address, fill(LocalSlot{to_number(slot) + 1}, second)};
  }
  /// Unmaps mappings that are known to be on top.
  template <uint32_t kSlots>
  void unmap_last() {
    Stack& stack = platform_.local_stack();
    const uint32_t depth = stack.depth_.load(memory_order_relaxed);
    lower<kSlots>(stack, depth, slot_at(depth - 1));
  }

  /// The slot at this depth of the current CPU's stack.
  [[nodiscard]] LocalSlot slot_at(uint32_t depth) {
    return LocalSlot{to_number(platform_.first_local_slot()) + depth};
  }
  [[nodiscard]] bool lies_in(const void* address, LocalSlot slot) {
    return reinterpret_cast<uintptr_t>(address) -
               reinterpret_cast<uintptr_t>(platform_.local_address(slot)) <
           P::kPageSize;
  }

  // Out of line, in impl/local_map.hpp.
  void* too_deep(Page page, const void* caller);
  void not_on_top(const void* address, const void* caller);
  void left_mapped(uint32_t depth);
  void take_entries(Stack& from);
  void put_entries(Stack& to);
  void report(Misuse what, Page page, const void* address, const void* caller,
              const void* mapped_at);

  [[no_unique_address]] P platform_;
};

}  // namespace kmapper
