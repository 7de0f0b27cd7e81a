// A binary buddy allocator of page frames. A block of order k is 2^k page frames; the number of the
// first is divisible by 2^k. Its buddy is the other half of the block of order k + 1 that contains
// both. When a block whose buddy is free is freed, the two join.
//
// The free blocks are a BitmapTree for each order: a little over two bits a page frame, and no
// links in the page descriptors, whose words the mapper may be reading. Holes are page frames that
// were never added: their bits are never set, so no blocks join across them. The lowest free block
// is handed out first.
//
// Not locked: the zone has the lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "kernel/mm/address.hpp"
#include "kernel/mm/bitmap_tree.hpp"

namespace kmapper::kernel {

class Buddy {
 public:
  static constexpr unsigned kMaxOrder = 10;

  /// Why a block was not freed.
  enum class Refusal : std::uint8_t { none, order_too_big, outside, misaligned, already_free };

  constexpr Buddy() = default;

  /// The words of memory that an allocator of `span` needs.
  [[nodiscard]] static constexpr std::size_t words_needed(PfnRange span) {
    std::size_t sum = 0;
    for (unsigned order = 0; order <= kMaxOrder; ++order) {
      sum += BitmapTree::words_needed(blocks(span, order));
    }
    return sum;
  }

  /// Owns no page frame at first, and never one outside `span`. `memory`: words_needed(span) words,
  /// all zero.
  Buddy(PfnRange span, std::span<BitmapTree::Word> memory);

  /// Adds page frames, in blocks as large as possible. They must be new.
  [[nodiscard]] Refusal add(PfnRange pages);

  /// Takes a block of 2^order page frames; nothing if no block is big enough, or order > kMaxOrder.
  /// About 50 instructions, and 30 more for each time a block is split.
  [[nodiscard]] std::optional<Pfn> alloc(unsigned order);

  /// Gives a block back. Refuses what cannot be a block, and what is free already, in part or
  /// whole. It cannot detect a block that was never added. About 150 instructions, and 30 more for
  /// each time blocks are joined.
  [[nodiscard]] Refusal free(Pfn first, unsigned order);

  [[nodiscard]] std::uint32_t free_pages() const { return free_pages_; }
  [[nodiscard]] std::uint32_t free_blocks(unsigned order) const { return free_blocks_[order]; }
  [[nodiscard]] PfnRange span() const { return span_; }

 private:
  /// Block 0 of every order begins here.
  [[nodiscard]] static constexpr Pfn base(PfnRange span) {
    return Pfn{to_number(span.begin) >> kMaxOrder << kMaxOrder};
  }
  [[nodiscard]] static constexpr std::uint32_t blocks(PfnRange span, unsigned order) {
    const std::uint32_t biggest_blocks = ((span.end - base(span) - 1) >> kMaxOrder) + 1;
    return biggest_blocks << (kMaxOrder - order);
  }

  [[nodiscard]] bool any_free(std::uint32_t block, unsigned order) const;
  void add_block(std::uint32_t block, unsigned order);
  void remove_block(std::uint32_t block, unsigned order);

  PfnRange span_{};
  Pfn base_{};
  std::array<BitmapTree, kMaxOrder + 1> free_{};
  std::array<std::uint32_t, kMaxOrder + 1> free_blocks_{};
  std::uint32_t orders_ = 0;  // bit k: there is a free block of order k
  std::uint32_t free_pages_ = 0;
};

}  // namespace kmapper::kernel
