// Page frames for everybody: blocks of 2^order, from two zones. Low memory has a permanent address
// in the direct map; high memory has none, and is used through kmap().
//
// Memory that goes back may still be mapped: kunmap() leaves the mapping behind for the next
// kmap(). So a block's slots are taken back, flushed, before the allocator has the block; a page
// that somebody still holds is reported with its holder, and kept out of the allocator.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/mm/gfp.hpp"
#include "kernel/mm/memory_map.hpp"
#include "kernel/mm/page.hpp"
#include "kmapper/core/result.hpp"

namespace kmapper::kernel {

enum class AllocError : std::uint8_t { none, out_of_memory, order_too_big, highmem_has_no_address };
/// The error in words.
[[nodiscard]] std::string_view describe(AllocError error);

enum class FreeResult : std::uint8_t { freed, kept_out, refused };

/// Page frames, in each zone.
struct PageCounts {
  std::uint32_t low, low_free;
  std::uint32_t high, high_free;
};

/// Opens the zones with all that is left in the map, and takes their bitmaps out of it first: a
/// little more than two bits for each page frame below `end`, where RAM ends, the reserved
/// included. mem_map must be zero. Panics if the bitmaps do not fit. Once, at boot.
void page_alloc_init(MemoryMap& map, Pfn end);

/// A block of 2^order pages, or null: out of memory, or order above Buddy::kMaxOrder. The pages are
/// not cleared. Any context.
[[nodiscard]] Page* alloc_pages(GfpFlags flags, unsigned order);

/// The same, and the block's permanent address. Memory that GFP_HIGHMEM permits may have none:
/// asked for by a constant, that does not compile; at run time it is an error. Use alloc_pages()
/// and kmap(). Any context.
[[nodiscard]] Result<void*, AllocError> get_free_pages(GfpFlags flags, unsigned order);

// The type is what the compiler's message says.
struct HighMemoryHasNoAddressUseAllocPagesAndKmap {};
template <ConstantHighmem Flags>
HighMemoryHasNoAddressUseAllocPagesAndKmap get_free_pages(Flags flags, unsigned order) = delete;

/// Gives a block of alloc_pages() back, whole. What nobody has allocated so is refused and
/// reported. If a page is pinned, the others go back, and that one is reported as a Misuse, which
/// may end the thread. Any context for pages that have never been mapped; else interrupts on, and
/// no spinlock held.
FreeResult free_pages(Page* block, unsigned order);  // NOLINT: whoever ignores it has been told

/// Hands pages to the allocator that were reserved until now. The same contexts as free_pages().
void release_reserved(PfnRange pages);

/// How much there is. Exact when nobody allocates. Any context.
[[nodiscard]] PageCounts page_counts();

/// Prints one line that names the block that was not to be had, and what is free. Any context.
void report_out_of_memory(GfpFlags flags, unsigned order);

}  // namespace kmapper::kernel
