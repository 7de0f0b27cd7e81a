// All of LocalMapper that is not inline: context switches and reports of misuse. Include it in one
// source file of a platform and instantiate it there: `template class
// kmapper::LocalMapper<MyPlatform>;`.
#pragma once

#include "kmapper/core/local_map.hpp"

namespace kmapper {

/// The thread leaves its CPU. Empties its entries, so that the next thread finds the slots clean.
template <class P>
[[gnu::noinline]] void LocalMapper<P>::take_entries(Stack& from) {
  const uint32_t depth = from.depth_.load(memory_order_relaxed);
  for (uint32_t i = 0; i < depth; ++i) from.kept_[i] = platform_.take_local_pte(slot_at(i));
}

/// The thread is back on a CPU. The slots are clean: nothing is flushed.
template <class P>
[[gnu::noinline]] void LocalMapper<P>::put_entries(Stack& to) {
  const uint32_t depth = to.depth_.load(memory_order_relaxed);
  for (uint32_t i = 0; i < depth; ++i) platform_.put_local_pte(slot_at(i), to.kept_[i]);
}

template <class P>
uint32_t LocalMapper<P>::unwind(uint32_t depth) {
  Stack& stack = platform_.local_stack();
  uint32_t dropped = 0;
  for (uint32_t now = this->depth(); now > depth; --now, ++dropped)
    lower<1>(stack, now, slot_at(now - 1));
  return dropped;
}

template <class P>
void LocalMapper<P>::report(Misuse what, Page page, const void* address, const void* caller,
                            const void* mapped_at) {
  platform_.report(MisuseReport<P>{what, page, kNoSlot, {}, address, caller, mapped_at});
}

template <class P>
[[gnu::noinline]] void* LocalMapper<P>::too_deep(Page page, const void* caller) {
  const Stack& stack = platform_.local_stack();
  report(Misuse::local_too_deep, page, nullptr, caller, stack.callers_[depth() - 1]);
  return nullptr;
}

/// A kunmap_local of anything but the mapping on top: of one below it, or of none.
template <class P>
[[gnu::noinline]] void LocalMapper<P>::not_on_top(const void* address, const void* caller) {
  const Stack& stack = platform_.local_stack();
  const uint32_t depth = stack.depth_.load(memory_order_relaxed);
  if (depth == 0) return report(Misuse::local_not_mapped, Page{}, address, caller, nullptr);
  const void* const on_top = stack.callers_[depth - 1];
  for (uint32_t i = 0; i + 1 < depth; ++i) {
    if (!lies_in(address, slot_at(i))) continue;
    return report(Misuse::local_out_of_order, platform_.local_page(slot_at(depth - 1)), address,
                  caller, on_top);
  }
  report(Misuse::local_not_mapped, Page{}, address, caller, on_top);
}

template <class P>
[[gnu::noinline]] void LocalMapper<P>::left_mapped(uint32_t depth) {
  const Stack& stack = platform_.local_stack();
  const uint32_t top = this->depth() - 1;
  const LocalSlot slot = slot_at(top);
  const Page page = platform_.local_page(slot);
  unwind(depth);
  report(Misuse::local_left_mapped, page, platform_.local_address(slot), nullptr,
         stack.callers_[top]);
}

}  // namespace kmapper
