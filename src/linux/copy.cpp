// Whole operations on pages, by local mappings.
#include <cstring>

#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

/// A part of a page, mapped for the call that returns to `caller`, until the destructor.
class Part {
 public:
  Part(const page* page, std::size_t offset, std::size_t length, const void* caller)
      : caller_(caller),
        begin_(static_cast<char*>(Thread::current().map(page, false, caller))),
        offset_(offset) {
    if (offset <= PAGE_SIZE && length <= PAGE_SIZE - offset) return;
    Machine& machine = Machine::get();
    const std::lock_guard lock(machine.mutex);
    stop({.what = "an operation beyond the end of its page",
          .pfn = machine.pfn_of(page),
          .caller = caller,
          .advice = "offset and length stay within PAGE_SIZE"});
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() { Thread::current().unmap(begin_, false, caller_); }
  [[nodiscard]] char* data() const { return begin_ + offset_; }

 private:
  const void* caller_;
  char* begin_;
  std::size_t offset_;
};

void copy(const page* to, std::size_t to_offset, const page* from, std::size_t from_offset,
          std::size_t length, const void* caller) {
  const Part source(from, from_offset, length, caller);
  const Part destination(to, to_offset, length, caller);
  std::memmove(destination.data(), source.data(), length);
}

void set(const page* page, std::size_t offset, int value, std::size_t length, const void* caller) {
  const Part part(page, offset, length, caller);
  std::memset(part.data(), value, length);
}

/// Zeros from `start` to before `end`.
void clear(const page* page, unsigned start, unsigned end, const void* caller) {
  if (end > start) set(page, start, 0, end - start, caller);
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::clear;
using kmapper::linux_face::copy;
using kmapper::linux_face::Part;
using kmapper::linux_face::set;

void copy_highpage(page* to, page* from) {
  copy(to, 0, from, 0, PAGE_SIZE, __builtin_return_address(0));
}

void clear_highpage(page* page) { set(page, 0, 0, PAGE_SIZE, __builtin_return_address(0)); }

void copy_user_highpage(page* to, page* from, unsigned long /*address*/, vm_area_struct* /*vma*/) {
  copy(to, 0, from, 0, PAGE_SIZE, __builtin_return_address(0));
}

void clear_user_highpage(page* page, unsigned long /*address*/) {
  set(page, 0, 0, PAGE_SIZE, __builtin_return_address(0));
}

void memcpy_from_page(char* to, page* page, size_t offset, size_t length) {
  const Part part(page, offset, length, __builtin_return_address(0));
  std::memcpy(to, part.data(), length);
}

void memcpy_to_page(page* page, size_t offset, const char* from, size_t length) {
  const Part part(page, offset, length, __builtin_return_address(0));
  std::memcpy(part.data(), from, length);
}

void memcpy_page(page* to, size_t to_offset, page* from, size_t from_offset, size_t length) {
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
  set(page, start, 0, size, __builtin_return_address(0));
}
