// How much memory is free, for checks that all memory has come back.
#pragma once

#include <cstdint>

#include "kernel/mm/kernel_stack.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/mm/vmap.hpp"

namespace kmapper::kernel {

/// All free pages. Memory that waits for a flush since vfree() is freed first. The page tables of
/// threads' stacks stay when the threads have gone, and count as free.
[[nodiscard]] inline std::uint32_t free_pages_now() {
  (void)vmap_range.free_waiting();
  const PageCounts counts = page_counts();
  return counts.low_free + counts.high_free + stack_table_pages();
}

}  // namespace kmapper::kernel
