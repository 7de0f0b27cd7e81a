#include "kernel/mm/kernel_stack.hpp"

#include <array>

#include "arch/paging.hpp"
#include "arch/tlb.hpp"
#include "kernel/lib/string.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "kernel/sched/spinlock.hpp"

namespace kmapper::kernel {
namespace {

constexpr std::uint32_t kStackPages = kStackSize / kPageSize;

constinit Spinlock
    lock;  // guards the following, and the page directory's entries of the stack area
constinit std::array<std::uint32_t, (kMaxStacks + 31) / 32> used{};
constinit std::uint32_t tables = 0;       // allocated so far
constinit std::uint32_t next_number = 0;  // where to look first, counted from 0

// The next free number, in a circle: a stack is not reused at once, so that a stale pointer to it
// is likely to fault.
std::optional<StackNumber> take_number() {
  const Locked guard(lock);
  for (std::uint32_t i = 0; i < kMaxStacks; ++i) {
    const std::uint32_t number = next_number;
    next_number = number + 1 < kMaxStacks ? number + 1 : 0;
    const std::uint32_t bit = 1U << (number % 32);
    if ((used[number / 32] & bit) != 0) continue;
    used[number / 32] |= bit;
    return StackNumber{number + 1};
  }
  return std::nullopt;
}

void put_number(StackNumber stack) {
  const Locked guard(lock);
  used[(to_number(stack) - 1) / 32] &= ~(1U << ((to_number(stack) - 1) % 32));
}

PageTableEntry* entry_of(VirtAddr address) {
  const Locked guard(lock);
  PageTableEntry* const entry = find_entry(address);
  if (entry != nullptr) return entry;
  Page* const table = alloc_pages(GFP_KERNEL, 0);
  if (table == nullptr) return nullptr;
  memset(page_to_direct(table), 0, kPageSize);
  set_page_table(VirtAddr{to_number(address) & ~(kLargePageSize - 1)}, page_to_pfn(table));
  ++tables;
  return find_entry(address);
}

bool map_page(VirtAddr address) {
  PageTableEntry* const entry = entry_of(address);
  if (entry == nullptr) return false;
  Page* const page = alloc_pages(GFP_KERNEL, 0);
  if (page == nullptr) return false;
  entry->set(page_to_pfn(page));
  return true;
}

// Unmaps the page at an address of a stack and returns it; null if there is none.
Page* take_page(VirtAddr address) {
  PageTableEntry* const entry = find_entry(address);
  if (entry == nullptr || !entry->is_present()) return nullptr;
  Page* const page = pfn_to_page(entry->frame());
  (void)entry->take();
  return page;
}

}  // namespace

std::uint32_t stack_table_pages() {
  const Locked guard(lock);
  return tables;
}

std::optional<StackNumber> allocate_stack() {
  const std::optional<StackNumber> stack = take_number();
  if (!stack) return std::nullopt;
  for (std::uint32_t i = 0; i < kStackPages; ++i) {
    if (map_page(stack_begin(*stack) + i * kPageSize)) continue;
    free_stack(*stack);
    return std::nullopt;
  }
  return stack;
}

void free_stack(StackNumber stack) {
  std::array<VirtAddr, kStackPages> addresses;
  std::array<Page*, kStackPages> pages;
  for (std::uint32_t i = 0; i < kStackPages; ++i) {
    addresses[i] = stack_begin(stack) + i * kPageSize;
    pages[i] = take_page(addresses[i]);
  }
  shootdown(addresses);
  for (Page* const page : pages) {
    if (page != nullptr) free_pages(page, 0);
  }
  put_number(stack);
}

}  // namespace kmapper::kernel
