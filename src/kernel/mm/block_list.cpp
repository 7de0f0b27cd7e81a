#include "kernel/mm/block_list.hpp"

#include <iterator>

#include "kernel/mm/buddy.hpp"
#include "kernel/mm/page_alloc.hpp"

namespace kmapper::kernel {

bool BlockList::add(Page* block, unsigned order) {
  static_assert(sizeof(Leaf) <= kPageSize);
  if (last_ == nullptr || last_->size == std::size(last_->entries)) {
    const auto memory = get_free_pages(GFP_KERNEL, 0);
    if (!memory) return false;
    auto* const leaf = static_cast<Leaf*>(*memory);
    leaf->next = nullptr;
    leaf->size = 0;
    (last_ == nullptr ? first_ : last_->next) = leaf;
    last_ = leaf;
  }
  last_->entries[last_->size++] = Entry(page_to_pfn(block), order);
  pages_ += 1U << order;
  return true;
}

bool BlockList::add_all(GfpFlags flags) {
  for (unsigned order = Buddy::kMaxOrder + 1; order-- > 0;) {
    while (Page* const block = alloc_pages(flags, order)) {
      const bool is_wanted = is_high(block) == flags.highmem();
      if (is_wanted && add(block, order)) continue;
      free_pages(block, order);
      if (is_wanted) return false;
      break;  // high memory is used up
    }
  }
  return true;
}

void BlockList::free_all() {
  while (first_ != nullptr) {
    Leaf* const leaf = first_;
    first_ = leaf->next;
    for (std::uint32_t i = 0; i < leaf->size; ++i) {
      free_pages(pfn_to_page(leaf->entries[i].first()), leaf->entries[i].order());
    }
    free_pages(direct_to_page(leaf), 0);
  }
  last_ = nullptr;
  pages_ = 0;
}

}  // namespace kmapper::kernel
