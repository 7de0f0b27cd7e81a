// Whole operations on pages.
#include <cstring>

#include "linux/part.hpp"
#include "linux/report.hpp"

namespace kmapper::linux_face {

char* part_of_page(const page* page, std::size_t offset, std::size_t length, Use use,
                   unsigned mappings, const void* caller) {
  Machine& machine = Machine::get();
  const unsigned long pfn = expect_allocated(
      machine, page, "an operation on something that is not an allocated page", caller);
  Thread::current().expect_room(mappings, pfn, caller);
  if (offset > PAGE_SIZE || length > PAGE_SIZE - offset) {
    stop({.what = "an operation beyond the end of its page",
          .pfn = pfn,
          .caller = caller,
          .advice = "offset and length stay within PAGE_SIZE"});
  }
  if (use == Use::write && pfn == Layout::kZeroPfn) {
    stop({.what = "a write to the zero page",
          .pfn = pfn,
          .caller = caller,
          .advice = "ZERO_PAGE() is only for reading"});
  }
  return reinterpret_cast<char*>(machine.open_address(pfn)) + offset;
}

namespace {

void copy(const page* to, std::size_t to_offset, const page* from, std::size_t from_offset,
          std::size_t length, const void* caller) {
  const char* const source = part_of_page(from, from_offset, length, Use::read, 1, caller);
  std::memmove(part_of_page(to, to_offset, length, Use::write, 2, caller), source, length);
}

void set(const page* page, std::size_t offset, int value, std::size_t length, const void* caller) {
  std::memset(part_of_page(page, offset, length, Use::write, 1, caller), value, length);
}

/// Zeros from `start` to before `end`, of a compound page too.
void clear(page* page, unsigned start, unsigned end, const void* caller) {
  const Machine& machine = Machine::get();
  const unsigned long pfn = machine.pfn_of(page);
  if (pfn != 0 && machine.frame(pfn).is_compound && machine.frame(pfn).is_head)
    clear_segment(reinterpret_cast<folio*>(page), start, end, caller);
  else if (end > start)
    set(page, start, 0, end - start, caller);
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::AccessFor;
using kmapper::linux_face::clear;
using kmapper::linux_face::copy;
using kmapper::linux_face::part_of_page;
using kmapper::linux_face::set;
using kmapper::linux_face::Use;

void copy_highpage(page* to, page* from) {
  copy(to, 0, from, 0, PAGE_SIZE, __builtin_return_address(0));
}

void clear_highpage(page* page) { set(page, 0, 0, PAGE_SIZE, __builtin_return_address(0)); }

void memcpy_from_page(char* to, page* page, size_t offset, size_t length) {
  const void* const caller = __builtin_return_address(0);
  const char* const from = part_of_page(page, offset, length, Use::read, 1, caller);
  const AccessFor access(caller);
  std::memcpy(to, from, length);
}

void memcpy_to_page(page* page, size_t offset, const char* from, size_t length) {
  const void* const caller = __builtin_return_address(0);
  char* const to = part_of_page(page, offset, length, Use::write, 1, caller);
  const AccessFor access(caller);
  std::memcpy(to, from, length);
}

void memcpy_page(page* to, size_t to_offset, page* from, size_t from_offset, size_t length) {
  copy(to, to_offset, from, from_offset, length, __builtin_return_address(0));
}

void memmove_page(page* to, size_t to_offset, page* from, size_t from_offset, size_t length) {
  copy(to, to_offset, from, from_offset, length, __builtin_return_address(0));
}

void memset_page(page* page, size_t offset, int value, size_t length) {
  set(page, offset, value, length, __builtin_return_address(0));
}

void memzero_page(page* page, size_t offset, size_t length) {
  set(page, offset, 0, length, __builtin_return_address(0));
}

void zero_user_segments(page* page, unsigned start1, unsigned end1, unsigned start2,
                        unsigned end2) {
  const void* const caller = __builtin_return_address(0);
  clear(page, start1, end1, caller);
  clear(page, start2, end2, caller);
}

void zero_user_segment(page* page, unsigned start, unsigned end) {
  clear(page, start, end, __builtin_return_address(0));
}

void zero_user(page* page, unsigned start, unsigned size) {
  clear(page, start, start + size, __builtin_return_address(0));
}
