// kmap_local_page and kmap_atomic: a thread's own mappings, last in first out.
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

constinit thread_local const Thread* current_or_none = nullptr;

const void* page_start(const void* address) {
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(address) & PAGE_MASK);
}

constexpr const char* kBelongTogether =
    "kunmap_local what kmap_local_page returned, and kunmap_atomic what kmap_atomic did";

}  // namespace

Thread& Thread::current() {
  thread_local Thread thread;
  return thread;
}

const Thread* Thread::find() { return current_or_none; }

Thread::Thread() { current_or_none = this; }

Thread::~Thread() {
  current_or_none = nullptr;
  if (depth_ == 0) return;
  const Local& last = locals_[depth_ - 1];
  stop({.what = "a thread ends with a local mapping",
        .pfn = last.pfn,
        .caller = last.caller,
        .advice = "kunmap_local before the thread ends"});
}

void Thread::expect_may_sleep(const char* what, unsigned long pfn, const void* caller) const {
  if (atomics_ == 0) return;
  unsigned last = depth_ - 1;
  while (!locals_[last].is_atomic) --last;
  stop({.what = what,
        .pfn = pfn,
        .caller = caller,
        .advice = "the other call began the section: use kmap_local_page, or end it before",
        .other = locals_[last].caller});
}

void* Thread::map(const page* page, bool is_atomic, const void* caller) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const unsigned long pfn =
      expect_allocated(machine, page,
                       is_atomic ? "kmap_atomic of something that is not an allocated page"
                                 : "kmap_local_page of something that is not an allocated page",
                       caller);
  if (depth_ == kMost) {
    stop({.what = "more local mappings than a thread may have",
          .pfn = pfn,
          .caller = caller,
          .advice = "look for a kmap_local_page without a kunmap_local, perhaps the other call",
          .other = locals_[depth_ - 1].caller});
  }
  Frame& frame = machine.frame(pfn);
  const View view = machine.is_high(pfn) ? View::local : View::plain;
  if (frame.locals++ == 0 && view == View::local) machine.open(view, pfn);
  frame.locally_mapped_by = caller;
  void* const address = machine.address(view, pfn);
  locals_[depth_++] = {pfn, address, is_atomic, caller};
  atomics_ += is_atomic ? 1 : 0;
  return address;
}

void Thread::unmap(const void* address, bool is_atomic, const void* caller) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const void* const start = page_start(address);
  unsigned found = depth_;
  while (found != 0 && locals_[found - 1].address != start) --found;
  if (found == 0) {
    const unsigned long plain = machine.pfn_at(View::plain, address);
    const char* advice = "unmap once for each mapping, in the same thread, by its address";
    if (plain != 0) advice = "kunmap what kmap returned, by its struct page";
    if (machine.is_token(address)) advice = "that is a struct page: pass the address";
    stop({.what = "kunmap_local of an address that this thread does not hold",
          .pfn = plain + machine.pfn_at(View::local, address),
          .caller = caller,
          .advice = advice});
  }
  const Local& last = locals_[depth_ - 1];
  if (found != depth_) {
    stop({.what = "kunmap_local out of order",
          .pfn = locals_[found - 1].pfn,
          .caller = caller,
          .advice = "the other call made the last mapping: unmap that first",
          .other = last.caller});
  }
  if (last.is_atomic != is_atomic) {
    stop(
        {.what = is_atomic ? "kunmap_atomic of a kmap_local_page" : "kunmap_local of a kmap_atomic",
         .pfn = last.pfn,
         .caller = caller,
         .advice = kBelongTogether,
         .other = last.caller});
  }
  Frame& frame = machine.frame(last.pfn);
  frame.locally_unmapped_by = caller;
  if (--frame.locals == 0 && machine.is_high(last.pfn)) machine.close(View::local, last.pfn);
  atomics_ -= is_atomic ? 1 : 0;
  --depth_;
}

}  // namespace kmapper::linux_face

using kmapper::linux_face::Thread;

void* kmap_local_page(const page* page) {
  return Thread::current().map(page, false, __builtin_return_address(0));
}

void kunmap_local(const void* address) {
  Thread::current().unmap(address, false, __builtin_return_address(0));
}

void* kmap_atomic(const page* page) {
  return Thread::current().map(page, true, __builtin_return_address(0));
}

void kunmap_atomic(const void* address) {
  Thread::current().unmap(address, true, __builtin_return_address(0));
}
