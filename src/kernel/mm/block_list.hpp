// A list of blocks of pages with one owner. It is as long as memory allows, and is kept in low
// pages.
#pragma once

#include <cstdint>

#include "kernel/mm/gfp.hpp"
#include "kernel/mm/page.hpp"

namespace kmapper::kernel {

class BlockList {
 public:
  BlockList() = default;
  ~BlockList() { free_all(); }
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;

  /// Appends a block; the list owns it from then on. False: out of low memory, the caller keeps it.
  [[nodiscard]] bool add(Page* block, unsigned order);

  /// Adds all free memory of high pages (GFP_HIGHMEM) or of low ones, the largest blocks first.
  /// False: out of low memory for the list; what it has by then, it keeps.
  [[nodiscard]] bool add_all(GfpFlags flags);

  /// Frees all blocks, and the list's own pages.
  void free_all();

  [[nodiscard]] std::uint32_t pages() const { return pages_; }

  /// Calls visit(page) for every page of every block, in the order in which they were added, until
  /// it returns false. Returns whether it never did.
  template <class Visit>
  bool for_each_page(Visit visit) const {
    for (const Leaf* leaf = first_; leaf != nullptr; leaf = leaf->next) {
      for (std::uint32_t i = 0; i < leaf->size; ++i) {
        Page* const block = pfn_to_page(leaf->entries[i].first());
        for (std::uint32_t page = 0; page < 1U << leaf->entries[i].order(); ++page) {
          if (!visit(block + page)) return false;
        }
      }
    }
    return true;
  }

 private:
  // A page frame number of at most 28 bits, and an order, in one word.
  class Entry {
   public:
    Entry(Pfn first, unsigned order) : word_(to_number(first) << 4 | order) {}
    [[nodiscard]] Pfn first() const { return Pfn{word_ >> 4}; }
    [[nodiscard]] unsigned order() const { return word_ & 15; }

   private:
    std::uint32_t word_;
  };
  struct Leaf {
    Leaf* next;
    std::uint32_t size;
    Entry entries[kPageSize / sizeof(Entry) - 2];
  };

  Leaf* first_ = nullptr;
  Leaf* last_ = nullptr;
  std::uint32_t pages_ = 0;
};

}  // namespace kmapper::kernel
