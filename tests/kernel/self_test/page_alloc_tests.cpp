// The page allocator on the machine: the real zones, with all of the memory.
#include "arch/paging.hpp"
#include "kernel/boot_info.hpp"
#include "kernel/mm/block_list.hpp"
#include "kernel/mm/buddy.hpp"
#include "kernel/mm/layout.hpp"
#include "kernel/mm/page_alloc.hpp"
#include "tests/kernel/self_test/self_test.hpp"

namespace kmapper::kernel {
namespace {

// The seed's rule, as far as the compiler can check it.
template <class Flags>
constexpr bool kGivesAddress = requires(Flags flags) {
  get_free_pages(flags, 0);
};
static_assert(kGivesAddress<decltype(GFP_KERNEL)>);
static_assert(kGivesAddress<GfpFlags>);
static_assert(!kGivesAddress<decltype(GFP_HIGHMEM)>);
static_assert(!kGivesAddress<decltype(GFP_KERNEL | GFP_HIGHMEM)>);

bool same(const PageCounts& a, const PageCounts& b) {
  return a.low_free == b.low_free && a.high_free == b.high_free;
}

Outcome blocks_of_every_order_begin_on_their_size() {
  const PageCounts before = page_counts();
  BlockList blocks;
  for (unsigned order = 0; order <= Buddy::kMaxOrder; ++order) {
    Page* const block = alloc_pages(GFP_KERNEL, order);
    if (block == nullptr) return failed("out of memory");
    if (to_number(page_to_pfn(block)) % (1U << order) != 0) return failed("a block is misaligned");
    if (is_high(block)) return failed("GFP_KERNEL got high memory");
    if (!blocks.add(block, order)) return failed("out of memory for the list");
  }
  blocks.free_all();
  return same(before, page_counts()) ? passed() : failed("freeing did not bring all pages back");
}

Outcome an_order_too_big_is_refused() {
  if (alloc_pages(GFP_KERNEL, Buddy::kMaxOrder + 1) != nullptr) return failed("got a block");
  const auto memory = get_free_pages(GFP_KERNEL, Buddy::kMaxOrder + 1);
  if (memory) return failed("got an address");
  return memory.error() == AllocError::order_too_big ? passed() : failed("the wrong error");
}

Outcome get_free_pages_gives_no_address_for_high_memory() {
  const auto flags = GfpFlags{GFP_HIGHMEM};
  const auto memory = get_free_pages(flags, 0);
  if (memory) return failed("got an address");
  return memory.error() == AllocError::highmem_has_no_address ? passed()
                                                              : failed("the wrong error");
}

Outcome get_free_pages_gives_memory_that_can_be_written() {
  const auto memory = get_free_pages(GFP_KERNEL, 1);
  if (!memory) return failed("out of memory");
  auto* const words = static_cast<volatile std::uint32_t*>(*memory);
  constexpr std::size_t kLast = 2 * kPageSize / sizeof(std::uint32_t) - 1;
  words[0] = 1;
  words[kLast] = 2;
  const bool right = words[0] == 1 && words[kLast] == 2 && is_direct(*memory);
  free_pages(direct_to_page(*memory), 1);
  return right ? passed() : failed("it did not read back");
}

// Takes low memory to the last page; the pages form a list: each holds the next one's address.
Outcome exhausted_low_memory_is_an_error_and_not_the_end() {
  const PageCounts before = page_counts();
  void* last = nullptr;
  auto memory = get_free_pages(GFP_KERNEL, 0);
  for (; memory; memory = get_free_pages(GFP_KERNEL, 0)) {
    *static_cast<void**>(*memory) = last;
    last = *memory;
  }
  const bool named = memory.error() == AllocError::out_of_memory;
  const bool threadless = thread_create(
                              "one too many", [](void*) {}, nullptr) == nullptr;
  const std::uint32_t left = page_counts().low_free;
  report_out_of_memory(GFP_KERNEL, 0);
  while (last != nullptr) {
    void* const next = *static_cast<void**>(last);
    free_pages(direct_to_page(last), 0);
    last = next;
  }
  if (!named) return failed("the wrong error");
  if (!threadless) return failed("a thread was made without memory");
  if (left != 0) return failed("pages were left when the allocator said that there were none");
  return same(before, page_counts()) ? passed() : failed("freeing did not bring all pages back");
}

Outcome take_all_high_memory(BlockList& blocks) {
  for (unsigned order = Buddy::kMaxOrder + 1; order-- > 0;) {
    for (;;) {
      Page* const block = alloc_pages(GFP_HIGHMEM, order);
      if (block == nullptr) break;
      const bool high = is_high(block);
      if (!blocks.add(block, order)) return failed("out of memory for the list");
      if (!high) break;
    }
  }
  return passed();
}

Outcome exhausted_high_memory_falls_back_to_low_memory() {
  if (page_counts().high == 0) return skipped(kNoHighMemory);
  const PageCounts before = page_counts();
  BlockList blocks;
  const Outcome taken = take_all_high_memory(blocks);
  if (taken.has_failed()) return taken;
  const PageCounts counts = page_counts();
  if (counts.high_free != 0) return failed("high memory is not exhausted");
  if (counts.low_free >= before.low_free) return failed("low memory was not used");
  blocks.free_all();
  return same(before, page_counts()) ? passed() : failed("freeing did not bring all pages back");
}

Outcome a_block_freed_twice_is_refused() {
  const PageCounts before = page_counts();
  Page* const block = alloc_pages(GFP_KERNEL, 2);
  if (block == nullptr) return failed("out of memory");
  if (free_pages(block, 2) != FreeResult::freed) return failed("the first free was refused");
  if (free_pages(block, 2) != FreeResult::refused) return failed("the second free was not refused");
  return same(before, page_counts()) ? passed() : failed("the count of free pages is wrong");
}

Outcome a_block_freed_by_halves_is_refused() {
  Page* const block = alloc_pages(GFP_KERNEL, 2);
  if (block == nullptr) return failed("out of memory");
  const bool refused = free_pages(block, 1) == FreeResult::refused &&
                       free_pages(block, 3) == FreeResult::refused &&
                       free_pages(block + 2, 1) == FreeResult::refused;
  if (free_pages(block, 2) != FreeResult::freed) return failed("the right free was refused");
  return refused ? passed() : failed("a wrong free was not refused");
}

Outcome what_was_never_allocated_is_refused() {
  // Page frame 0 is never allocated.
  return free_pages(pfn_to_page(Pfn{0}), 0) == FreeResult::refused
             ? passed()
             : failed("the firmware's page was freed");
}

// Firmware may write to the first 64 KiB at any time. The very first tables are taken from the
// lowest memory.
Outcome no_page_table_lies_where_firmware_writes() {
  for (VirtAddr address = kStackAreaBase; address < kVmapEnd; address = address + kLargePageSize) {
    const PageTableEntry* const entry = find_entry(address);
    if (entry == nullptr || direct_to_phys(entry) >= kFirmwareMemory.end) continue;
    return failed("a page table lies in the first 64 KiB");
  }
  return passed();
}

constexpr SelfTest kTests[] = {
    {"blocks of every order begin on their size", blocks_of_every_order_begin_on_their_size},
    {"an order too big is refused", an_order_too_big_is_refused},
    {"get_free_pages gives no address for high memory",
     get_free_pages_gives_no_address_for_high_memory},
    {"get_free_pages gives memory that can be written",
     get_free_pages_gives_memory_that_can_be_written},
    {"exhausted low memory is an error and not the end",
     exhausted_low_memory_is_an_error_and_not_the_end},
    {"exhausted high memory falls back to low memory",
     exhausted_high_memory_falls_back_to_low_memory},
    {"a block freed twice is refused", a_block_freed_twice_is_refused},
    {"a block freed by halves is refused", a_block_freed_by_halves_is_refused},
    {"what was never allocated is refused", what_was_never_allocated_is_refused},
    {"no page table lies where firmware writes", no_page_table_lies_where_firmware_writes},
};

}  // namespace

std::span<const SelfTest> page_alloc_tests() { return kTests; }

}  // namespace kmapper::kernel
