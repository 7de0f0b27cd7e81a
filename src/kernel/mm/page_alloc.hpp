// Allocates page frames: blocks of 2^order, from two zones. Low memory has a permanent address in
// the direct map; high memory has none, and is used through kmap().
//
// A page that is freed may still be mapped: kunmap() leaves the mapping for the next kmap(). So the
// block's slots are taken back and flushed before the allocator gets the block. A page that is
// still pinned is reported with its holder, and kept out of the allocator.
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

/// Numbers of page frames, by zone.
struct PageCounts {
  std::uint32_t low, low_free;
  std::uint32_t high, high_free;
};

/// Opens the zones with all that remains in the map. First it takes their bitmaps out of the map: a
/// little more than two bits for each page frame below `end`, where RAM ends, reserved frames
/// included. mem_map must be zero. Panics if the bitmaps do not fit. Once, at boot.
void page_alloc_init(MemoryMap& map, Pfn end);

/// A block of 2^order pages, or null: out of memory, or order above Buddy::kMaxOrder. The pages are
/// not cleared. Where a zone has no such block, memory that waits for a flush since vfree() is
/// freed first, by one flush of all CPUs at most, if the caller may flush and sleep. Any context.
[[nodiscard]] Page* alloc_pages(GfpFlags flags, unsigned order);

/// The same, but returns the block's permanent address. Memory that GFP_HIGHMEM permits may have
/// none: a call with such constant flags does not compile; with run-time flags it is an error. Use
/// alloc_pages() and kmap() instead. Any context.
[[nodiscard]] Result<void*, AllocError> get_free_pages(GfpFlags flags, unsigned order);

// The type is what the compiler's message says.
struct HighMemoryHasNoAddressUseAllocPagesAndKmap {};
template <ConstantHighmem Flags>
HighMemoryHasNoAddressUseAllocPagesAndKmap get_free_pages(Flags flags, unsigned order) = delete;

/// Gives a block of alloc_pages() back, whole. A block that was not allocated this way is refused
/// and reported. If a page is pinned, the others go back, and the pinned page is reported as a
/// Misuse, which may end the thread. Any context for pages that were never mapped; otherwise
/// interrupts on and no spinlock held.
FreeResult free_pages(Page* block, unsigned order);  // NOLINT: the result may be ignored

/// free_pages() of one page that other callers have given up: if it is pinned, the mistake is not
/// the caller's. So it is reported and kept out, and the call returns. Interrupts on, no spinlock
/// held.
void free_page_of_others(Page* page);

/// Hands pages to the allocator that were reserved before. The same contexts as free_pages().
void release_reserved(PfnRange pages);

/// Exact while no thread allocates. Any context.
[[nodiscard]] PageCounts page_counts();

/// Prints one line with the block that could not be allocated, and with what is free. Any context.
void report_out_of_memory(GfpFlags flags, unsigned order);

}  // namespace kmapper::kernel
