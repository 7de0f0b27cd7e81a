// A part of a page, or of a folio, for an operation of the library.
#pragma once

#include "linux/pages.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {

enum class Use { read, write };

/// `length` bytes of a page from `offset` on, for the call that returns to `caller`. They are
/// always accessible, so this needs no mapping. A kernel would make one: `mappings` says how many
/// the whole operation would have at a time, which the thread must have room for.
[[nodiscard]] char* part_of_page(const page* page, std::size_t offset, std::size_t length, Use use,
                                 unsigned mappings, const void* caller);

/// Zeros a folio from `start` to before `end`.
void clear_segment(const folio* folio, std::size_t start, std::size_t end, const void* caller);

/// While it exists, a fault of this thread is one of the call that returns to `caller`: the call
/// accesses memory that the caller named.
class AccessFor {
 public:
  explicit AccessFor(const void* caller) { Thread::current().accesses_for = caller; }
  AccessFor(const AccessFor&) = delete;
  AccessFor& operator=(const AccessFor&) = delete;
  ~AccessFor() { Thread::current().accesses_for = nullptr; }
};

}  // namespace kmapper::linux_face
