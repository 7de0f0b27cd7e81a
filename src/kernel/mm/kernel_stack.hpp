// Kernel stacks: two low pages each, mapped side by side above a page that is never mapped, so that
// a stack overflow faults instead of writing into the neighbouring stack.
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
/// The stack whose pages, or whose guard below, contain this address of the stack area.
[[nodiscard]] constexpr StackNumber stack_at(VirtAddr address) {
  return StackNumber{(address - kStackAreaBase) / kStackStride + 1};
}

/// Nothing if memory or stack numbers are used up. Needs a context that may sleep.
[[nodiscard]] std::optional<StackNumber> allocate_stack();
/// No thread may be on the stack.
void free_stack(StackNumber stack);

/// How many page tables the stacks have. Tables stay when stacks go: one serves 170 stacks.
[[nodiscard]] std::uint32_t stack_table_pages();

}  // namespace kmapper::kernel
