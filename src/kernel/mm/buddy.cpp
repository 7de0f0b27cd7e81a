#include "kernel/mm/buddy.hpp"

#include <algorithm>
#include <bit>

namespace kmapper::kernel {

Buddy::Buddy(PfnRange span, std::span<BitmapTree::Word> memory) : span_(span), base_(base(span)) {
  for (unsigned order = 0; order <= kMaxOrder; ++order) {
    const std::uint32_t size = blocks(span, order);
    free_[order] = BitmapTree(size, memory);
    memory = memory.subspan(BitmapTree::words_needed(size));
  }
}

Buddy::Refusal Buddy::add(PfnRange pages) {
  while (pages.size() > 0) {
    const auto aligned = static_cast<unsigned>(std::countr_zero(to_number(pages.begin)));
    const auto fits = static_cast<unsigned>(std::bit_width(pages.size())) - 1;
    const unsigned order = std::min({aligned, fits, kMaxOrder});
    const Refusal refusal = free(pages.begin, order);
    if (refusal != Refusal::none) return refusal;
    pages.begin = pages.begin + (1U << order);
  }
  return Refusal::none;
}

std::optional<Pfn> Buddy::alloc(unsigned order) {
  if (order > kMaxOrder) return std::nullopt;
  const std::uint32_t big_enough = orders_ >> order << order;
  if (big_enough == 0) return std::nullopt;
  auto found = static_cast<unsigned>(std::countr_zero(big_enough));
  std::uint32_t block = free_[found].least();
  remove_block(block, found);
  while (found > order) {  // keep the lower half, free the upper one
    --found;
    block *= 2;
    add_block(block + 1, found);
  }
  free_pages_ -= 1U << order;
  return base_ + (block << order);
}

Buddy::Refusal Buddy::free(Pfn first, unsigned order) {
  if (order > kMaxOrder) return Refusal::order_too_big;
  const std::uint32_t pages = 1U << order;
  if (first < span_.begin || first >= span_.end || span_.end - first < pages) {
    return Refusal::outside;
  }
  if (to_number(first) % pages != 0) return Refusal::misaligned;
  std::uint32_t block = (first - base_) >> order;
  if (any_free(block, order)) return Refusal::already_free;
  free_pages_ += pages;
  while (order < kMaxOrder && free_[order].contains(block ^ 1)) {
    remove_block(block ^ 1, order);
    block /= 2;
    ++order;
  }
  add_block(block, order);
  return Refusal::none;
}

// Whether the block lies in a free block, or contains one.
bool Buddy::any_free(std::uint32_t block, unsigned order) const {
  for (unsigned bigger = order; bigger <= kMaxOrder; ++bigger) {
    if (free_[bigger].contains(block >> (bigger - order))) return true;
  }
  for (unsigned smaller = 0; smaller < order; ++smaller) {
    const unsigned levels = order - smaller;
    if (free_[smaller].contains_any(block << levels, 1U << levels)) return true;
  }
  return false;
}

void Buddy::add_block(std::uint32_t block, unsigned order) {
  free_[order].add(block);
  ++free_blocks_[order];
  orders_ |= 1U << order;
}

void Buddy::remove_block(std::uint32_t block, unsigned order) {
  free_[order].remove(block);
  if (--free_blocks_[order] == 0) orders_ &= ~(1U << order);
}

}  // namespace kmapper::kernel
