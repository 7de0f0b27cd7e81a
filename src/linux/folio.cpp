// Whole operations on folios: on each page of theirs in turn.
#include <algorithm>
#include <cstring>

#include "linux/part.hpp"
#include "linux/report.hpp"

namespace kmapper::linux_face {

void expect_in_folio(const folio* folio, std::size_t offset, std::size_t length,
                     const void* caller) {
  Machine& machine = Machine::get();
  const unsigned long pfn = expect_allocated(
      machine, &folio->page, "an operation on something that is not an allocated folio", caller);
  const Frame& frame = machine.frame(pfn);
  if (machine.head_of(pfn) != pfn) {
    stop({.what = "a page within a folio used as if it were the folio",
          .pfn = pfn,
          .caller = caller,
          .advice = "use page_folio()"});
  }
  const std::size_t size = PAGE_SIZE << (frame.is_compound ? frame.order : 0);
  if (offset <= size && length <= size - offset) return;
  stop({.what = "an operation beyond the end of its folio",
        .pfn = pfn,
        .caller = caller,
        .advice = "offset and length stay within folio_size()"});
}

namespace {

/// Calls `use(part, done, bytes)` for the part of each page.
template <class Function>
void for_each_part(const folio* folio, std::size_t offset, std::size_t length, Use use,
                   const void* caller, Function function, unsigned mappings = 1) {
  expect_in_folio(folio, offset, length, caller);
  for (std::size_t done = 0; done < length;) {
    const std::size_t at = offset + done;
    const std::size_t part = std::min<std::size_t>(length - done, PAGE_SIZE - offset_in_page(at));
    function(part_of_page(&folio->page + (at >> PAGE_SHIFT), offset_in_page(at), part, use,
                          mappings, caller),
             done, part);
    done += part;
  }
}

void clear(const folio* folio, std::size_t offset, std::size_t length, const void* caller,
           unsigned mappings = 1) {
  for_each_part(
      folio, offset, length, Use::write, caller,
      [](char* to, std::size_t /*done*/, std::size_t part) { std::memset(to, 0, part); }, mappings);
}

void copy_to(const folio* folio, std::size_t offset, const char* from, std::size_t length,
             const void* caller) {
  const AccessFor access(caller);
  for_each_part(folio, offset, length, Use::write, caller,
                [from](char* to, std::size_t done, std::size_t part) {
                  std::memmove(to, from + done, part);
                });
}

void copy_from(char* to, const folio* folio, std::size_t offset, std::size_t length,
               const void* caller) {
  const AccessFor access(caller);
  for_each_part(folio, offset, length, Use::read, caller,
                [to](const char* from, std::size_t done, std::size_t part) {
                  std::memmove(to + done, from, part);
                });
}

std::size_t size_of(const folio* folio, const void* caller) {
  expect_in_folio(folio, 0, 0, caller);
  return folio_size(folio);
}

}  // namespace

void clear_segment(const folio* folio, std::size_t start, std::size_t end, const void* caller) {
  if (end > start) clear(folio, start, end - start, caller);
}

}  // namespace kmapper::linux_face

using kmapper::linux_face::clear;
using kmapper::linux_face::clear_segment;
using kmapper::linux_face::copy_from;
using kmapper::linux_face::copy_to;
using kmapper::linux_face::find_place;
using kmapper::linux_face::Machine;
using kmapper::linux_face::Place;
using kmapper::linux_face::size_of;
using kmapper::linux_face::Thread;
using kmapper::linux_face::Use;

void memcpy_from_folio(char* to, folio* folio, size_t offset, size_t length) {
  copy_from(to, folio, offset, length, __builtin_return_address(0));
}

void memcpy_to_folio(folio* folio, size_t offset, const char* from, size_t length) {
  copy_to(folio, offset, from, length, __builtin_return_address(0));
}

size_t memcpy_from_file_folio(char* to, folio* folio, long long pos, size_t length) {
  const void* const caller = __builtin_return_address(0);
  const std::size_t offset = static_cast<std::size_t>(pos) & (size_of(folio, caller) - 1);
  length = std::min<std::size_t>(length, PAGE_SIZE - offset_in_page(offset));
  copy_from(to, folio, offset, length, caller);
  return length;
}

void folio_zero_segments(folio* folio, size_t start1, size_t end1, size_t start2, size_t end2) {
  const void* const caller = __builtin_return_address(0);
  clear_segment(folio, start1, end1, caller);
  clear_segment(folio, start2, end2, caller);
}

void folio_zero_segment(folio* folio, size_t start, size_t end) {
  clear_segment(folio, start, end, __builtin_return_address(0));
}

void folio_zero_range(folio* folio, size_t start, size_t length) {
  clear(folio, start, length, __builtin_return_address(0));
}

void* folio_zero_tail(folio* folio, size_t offset, void* address) {
  const void* const caller = __builtin_return_address(0);
  const std::size_t size = size_of(folio, caller);
  kmapper::linux_face::expect_in_folio(folio, offset, 0, caller);
  Thread& thread = Thread::current();
  const Place place = find_place(Machine::get(), address);
  const bool is_there = place.pfn == Machine::get().pfn_of(&folio->page) + (offset >> PAGE_SHIFT) &&
                        static_cast<std::size_t>(place.offset) == offset_in_page(offset);
  if (offset < size && !(is_there && thread.has_mapped(address))) {
    kmapper::linux_face::stop(
        {.what = "folio_zero_tail with an address that does not map its offset",
         .pfn = Machine::get().pfn_of(&folio->page),
         .caller = caller,
         .advice = "pass what kmap_local_folio(folio, offset) returned"});
  }
  clear(folio, offset, size - offset, caller, 0);  // a kernel would unmap `address` first
  return address;
}

void folio_fill_tail(folio* folio, size_t offset, const char* from, size_t length) {
  const void* const caller = __builtin_return_address(0);
  copy_to(folio, offset, from, length, caller);
  clear(folio, offset + length, size_of(folio, caller) - offset - length, caller);
}

void folio_copy(folio* to, folio* from) {
  const void* const caller = __builtin_return_address(0);
  const std::size_t size = size_of(from, caller);
  kmapper::linux_face::expect_in_folio(to, 0, size, caller);
  kmapper::linux_face::for_each_part(
      from, 0, size, Use::read, caller,
      [to, caller](const char* part, std::size_t done, std::size_t bytes) {
        std::memcpy(kmapper::linux_face::part_of_page(&to->page + (done >> PAGE_SHIFT), 0, bytes,
                                                      Use::write, 2, caller),
                    part, bytes);
      });
}
