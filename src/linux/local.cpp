// kmap_local_page and kmap_atomic: a thread's own mappings, last in first out.
#include <cstdint>

#include "linux/local_view.hpp"
#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

const void* page_start(const void* address) {
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(address) & PAGE_MASK);
}

const void* end_of_page(const void* start) { return static_cast<const char*>(start) + PAGE_SIZE; }

/// What is wrong with an unmapping, by the name of the call.
struct WrongUnmap {
  const char* out_of_order;
  const char* past_the_end;
  const char* of_another_thread;
  const char* not_held;
};
constexpr WrongUnmap kWrongLocal{"kunmap_local out of order",
                                 "kunmap_local of the address one past the end of its page",
                                 "kunmap_local of another thread's local mapping",
                                 "kunmap_local of an address that this thread does not hold"};
constexpr WrongUnmap kWrongAtomic{"kunmap_atomic out of order",
                                  "kunmap_atomic of the address one past the end of its page",
                                  "kunmap_atomic of another thread's local mapping",
                                  "kunmap_atomic of an address that this thread does not hold"};

}  // namespace

void Thread::expect_room(unsigned count, unsigned long pfn, const void* caller) const {
  if (high_ + count <= kMostHigh && depth_ < kMost) [[likely]]
    return;
  stop({.what = "more local mappings than a thread may have",
        .pfn = pfn,
        .caller = caller,
        .advice = "look for a kmap_local_page without a kunmap_local, perhaps the other call",
        .other = locals_[depth_ - 1].caller});
}

/// Whether the thread's view has the page already, for an outer mapping of it.
bool Thread::is_open(unsigned long pfn) const {
  for (unsigned i = 0; i < depth_; ++i)
    if (locals_[i].pfn == pfn && locals_[i].is_in_view) return true;
  return false;
}

void* Thread::map(const page* page, bool is_atomic, const void* caller) {
  Machine& machine = Machine::get();
  const unsigned long pfn =
      expect_allocated(machine, page,
                       is_atomic ? "kmap_atomic of something that is not an allocated page"
                                 : "kmap_local_page of something that is not an allocated page",
                       caller);
  const bool is_high = machine.is_high(pfn);
  expect_room(is_high ? 1 : 0, pfn, caller);
  accesses_for = nullptr;  // left by a signal handler that jumped out of an operation
  const bool is_in_view = is_high && is_checked_now();
  const void* address = machine.plain().address(pfn);
  if (is_in_view) {
    if (view_ == nullptr) view_ = &LocalView::take();
    // A signal handler begins without access to any key.
    if (!is_open(pfn) || machine.keys.count() != 0) view_->open(pfn);
    address = view_->view().address(pfn);
  } else if (is_high) {
    address = machine.open_address(pfn);
  }
  Frame& frame = machine.frame(pfn);
  frame.locals.fetch_add(1, std::memory_order_relaxed);
  frame.locally_mapped.set(caller, id);
  locals_[depth_++] = {pfn, address, is_atomic, is_in_view, caller};
  high_ += is_high ? 1 : 0;
  atomics_ += is_atomic ? 1 : 0;
  return const_cast<void*>(address);
}

void Thread::end_last(const void* caller) {
  const Local& last = locals_[--depth_];
  if (last.is_in_view && !is_open(last.pfn)) view_->close(last.pfn);
  const Machine& machine = Machine::get();
  Frame& frame = machine.frame(last.pfn);
  frame.locally_unmapped.set(caller, id);
  frame.locals.fetch_sub(1, std::memory_order_relaxed);
  high_ -= machine.is_high(last.pfn) ? 1 : 0;
  atomics_ -= last.is_atomic ? 1 : 0;
}

void Thread::unmap(const void* address, bool is_atomic, const void* caller) {
  if (depth_ == 0 || locals_[depth_ - 1].address != page_start(address)) [[unlikely]]
    wrong_unmap(address, is_atomic, caller);
  const Local& last = locals_[depth_ - 1];
  if (last.is_atomic != is_atomic) [[unlikely]] {
    stop(
        {.what = is_atomic ? "kunmap_atomic of a kmap_local_page" : "kunmap_local of a kmap_atomic",
         .pfn = last.pfn,
         .caller = caller,
         .advice =
             "kunmap_local what kmap_local_page returned, and kunmap_atomic what kmap_atomic did",
         .other = last.caller});
  }
  end_last(caller);
}

const void* Thread::mapped_by(unsigned long pfn) const {
  for (unsigned i = 0; i < depth_; ++i)
    if (locals_[i].pfn == pfn) return locals_[i].caller;
  return nullptr;
}

bool Thread::has_mapped(const void* address) const {
  for (unsigned i = 0; i < depth_; ++i)
    if (locals_[i].address == page_start(address)) return true;
  return false;
}

/// The thread's last mapping is not at this address.
void Thread::wrong_unmap(const void* address, bool is_atomic, const void* caller) const {
  const Machine& machine = Machine::get();
  const WrongUnmap& call = is_atomic ? kWrongAtomic : kWrongLocal;
  const void* const last_by = depth_ != 0 ? locals_[depth_ - 1].caller : nullptr;
  for (unsigned i = depth_; i-- != 0;) {
    const Local& local = locals_[i];
    if (local.address == page_start(address)) {
      stop({.what = call.out_of_order,
            .pfn = local.pfn,
            .caller = caller,
            .advice = "the other call made the last mapping: unmap that first",
            .other = last_by});
    }
    if (end_of_page(local.address) == address) {
      stop({.what = call.past_the_end,
            .pfn = local.pfn,
            .caller = caller,
            .advice = "a kernel would unmap another page: pass an address in the page",
            .other = local.caller});
    }
  }
  const Place place = find_place(machine, address);
  if (place.kind == Place::Kind::local && place.thread != id &&
      machine.frame(place.pfn).locals.load(std::memory_order_relaxed) != 0) {
    stop({.what = call.of_another_thread,
          .pfn = place.pfn,
          .caller = caller,
          .advice = "unmap in the thread that mapped",
          .other = nullptr});
  }
  const char* advice = "unmap once for each mapping, in the same thread, by its address";
  if (place.kind == Place::Kind::plain) advice = "kunmap what kmap returned, by its struct page";
  if (place.kind == Place::Kind::page_struct)
    advice = "that is a struct page: pass the address that the mapping call returned";
  if (address == nullptr) advice = "that is NULL: pass the address that the mapping call returned";
  stop({.what = call.not_held, .pfn = place.pfn, .caller = caller, .advice = advice});
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

void* kmap_local_folio(const folio* folio, size_t offset) {
  const void* const caller = __builtin_return_address(0);
  kmapper::linux_face::expect_in_folio(folio, offset, 1, caller);
  return static_cast<char*>(
             Thread::current().map(&folio->page + (offset >> PAGE_SHIFT), false, caller)) +
         offset_in_page(offset);
}
