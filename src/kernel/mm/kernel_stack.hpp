// Kernel stacks: two low pages each, mapped side by side above a page that is never mapped, so that
// a stack that overflows faults instead of writing into its neighbour.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel/mm/layout.hpp"

namespace kmapper::kernel {

/// Counted from 1.
enum class StackNumber : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t to_number(StackNumber stack) {
  return static_cast<std::uint32_t>(stack);
}
/// The stack's lowest address; below it lies the guard page.
[[nodiscard]] constexpr VirtAddr stack_begin(StackNumber stack) {
  return kStackAreaBase + (to_number(stack) - 1) * kStackStride + kPageSize;
}
[[nodiscard]] constexpr VirtAddr stack_end(StackNumber stack) {
  return stack_begin(stack) + kStackSize;
}
/// The stack, or the guard below it, that an address of the stack area lies in.
[[nodiscard]] constexpr StackNumber stack_at(VirtAddr address) {
  return StackNumber{(address - kStackAreaBase) / kStackStride + 1};
}

/// Nothing when memory or stack numbers are used up. May be called where a thread may sleep.
[[nodiscard]] std::optional<StackNumber> allocate_stack();
/// Nobody may be on the stack.
void free_stack(StackNumber stack);

/// How many page tables lie below the stacks. They stay when the stacks go: one serves 170 stacks.
[[nodiscard]] std::uint32_t stack_table_pages();

}  // namespace kmapper::kernel
