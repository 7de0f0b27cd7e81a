// Pages in high memory for a test.
#pragma once

#include "kmapper/linux/highmem.h"

namespace kmapper::process {

/// Pages in high memory in a row, freed at the end.
class Pages {
 public:
  explicit Pages(unsigned order)
      : order_(order), first_(alloc_pages(GFP_HIGHUSER | __GFP_ZERO, order)) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { __free_pages(first_, order_); }
  [[nodiscard]] struct page* first() const { return first_; }

 private:
  unsigned order_;
  struct page* first_;
};

}  // namespace kmapper::process
