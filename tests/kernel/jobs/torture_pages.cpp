#include "tests/kernel/jobs/torture_pages.hpp"

#include <new>

#include "kernel/mm/buddy.hpp"
#include "kernel/mm/highmem.hpp"

namespace kmapper::kernel {

bool TorturePage::allocate(Prng& random, unsigned order) {
  block_ = alloc_pages(GFP_HIGHMEM, order);
  if (block_ == nullptr) return false;
  page_ = block_ + random.below(1U << order);
  order_ = order;
  tag_ = random.next();
  // kmap_local, because the caller may hold mappings, and must not sleep for a slot then.
  auto* const words = static_cast<volatile std::uint32_t*>(kmap_local(page_));
  words[0] = tag_;
  words[kLastWord] = tag_;
  kunmap_local(const_cast<const std::uint32_t*>(words));
  return true;
}

bool TorturePage::shows_at(const void* address) const {
  const auto* const words = static_cast<const volatile std::uint32_t*>(address);
  return words[0] == tag_ && words[kLastWord] == tag_;
}

bool TorturePage::takes_note_at(void* address, std::uint32_t text) const {
  volatile std::uint32_t& note = static_cast<volatile std::uint32_t*>(address)[kNoteWord];
  const std::uint32_t number = to_number(page_to_pfn(page_)) << kTextBits;
  note = number | (text & ((1U << kTextBits) - 1));
  return note >> kTextBits == number >> kTextBits;  // other users may have written since
}

TorturePages::TorturePages(std::uint32_t count, Prng& random) {
  while (kPageSize << order_ < count * sizeof(TorturePage)) ++order_;
  const auto memory = get_free_pages(GFP_KERNEL, order_);
  if (!memory) return;
  pages_ = static_cast<TorturePage*>(*memory);
  for (std::uint32_t i = 0; i < count; ++i) {
    TorturePage& page = *new (pages_ + size_) TorturePage{};
    // If no large block is left, take a page.
    const bool in_block = i % 2 == 0 && page.allocate(random, Buddy::kMaxOrder);
    if (in_block || page.allocate(random, 0)) ++size_;
  }
}

TorturePages::~TorturePages() {
  for (TorturePage& page : all()) page.free();
  if (pages_ != nullptr) free_pages(direct_to_page(pages_), order_);
}

}  // namespace kmapper::kernel
