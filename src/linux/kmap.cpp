// kmap and kunmap. A kmapped page has an address for all threads. At most as many high pages as
// there are slots are kmapped at a time.
#include <algorithm>

#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

bool holds_a_slot(const Machine& machine, const Thread& thread) {
  return std::any_of(
      machine.holders.begin(), machine.holders.end(),
      [&](const Machine::Holder& it) { return it.thread == thread.id && machine.is_high(it.pfn); });
}

/// A thread may unmap what another one mapped.
void remove_holder(Machine& machine, const Thread& thread, unsigned long pfn) {
  const auto end = machine.holders.rend();
  auto found = std::find_if(machine.holders.rbegin(), end, [&](const Machine::Holder& it) {
    return it.pfn == pfn && it.thread == thread.id;
  });
  if (found == end) {
    found = std::find_if(machine.holders.rbegin(), end,
                         [&](const Machine::Holder& it) { return it.pfn == pfn; });
  }
  if (found == end) return;
  *found = machine.holders.back();
  machine.holders.pop_back();
}

/// Gives the page an address. May have to sleep for a slot.
void take_slot(Machine& machine, std::unique_lock<std::mutex>& lock, Thread& thread,
               const page* page, const void* caller) {
  const unsigned long pfn = machine.pfn_of(page);
  const auto must_sleep = [&] {
    return machine.frame(pfn).kmaps == 0 && machine.slots_in_use == machine.slots;
  };
  if (must_sleep() && holds_a_slot(machine, thread)) {
    report(
        {.what = "kmap sleeps because all slots are taken, while its caller holds one",
         .pfn = pfn,
         .caller = caller,
         .advice = "if all threads do this, all sleep for ever; kmap_local_page() needs no slot"});
    if (is_only_thread()) {
      stop({.what = "kmap sleeps for ever, because its caller holds all slots",
            .pfn = pfn,
            .caller = caller,
            .advice = "kunmap first; kmap_local_page() needs no slot"});
    }
  }
  machine.slot_is_free.wait(lock, [&] { return !must_sleep(); });
  (void)expect_allocated(machine, page, "a page freed while kmap of it sleeps", caller);
  Frame& frame = machine.frame(pfn);
  if (frame.kmaps != 0) return;
  ++machine.slots_in_use;
  frame.is_kmapped_in_plain_view = thread.is_checked_now();
  if (frame.is_kmapped_in_plain_view) machine.plain().open(pfn);
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::Frame;
using kmapper::linux_face::Machine;
using kmapper::linux_face::Thread;

void* kmap(page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  Thread& thread = Thread::current();
  std::unique_lock lock(machine.mutex);
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "kmap of something that is not an allocated page", caller);
  thread.expect_may_sleep("kmap, which may sleep, in a section that must not sleep", pfn, caller);
  if (machine.is_high(pfn)) kmapper::linux_face::take_slot(machine, lock, thread, page, caller);
  Frame& frame = machine.frame(pfn);
  ++frame.kmaps;
  frame.kmapped.set(caller, thread.id);
  thread.without_address = 0;
  machine.holders.push_back({pfn, thread.id, caller});
  return kmapper::linux_face::kmapped_address(machine, pfn);
}

void kunmap(const page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  Thread& thread = Thread::current();
  const std::lock_guard lock(machine.mutex);
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "kunmap of something that is not an allocated page", caller);
  thread.expect_may_sleep("kunmap, which may sleep, in a section that must not sleep", pfn, caller);
  Frame& frame = machine.frame(pfn);
  if (frame.kmaps == 0) {
    const bool was = frame.was_kmapped;
    kmapper::linux_face::stop(
        {.what = was ? "kunmap of a page that is no longer kmapped"
                     : "kunmap of a page that was never kmapped",
         .pfn = pfn,
         .caller = caller,
         .advice = was ? "look for a second kunmap of one kmap" : "kunmap what was kmapped"});
  }
  frame.kunmapped.set(caller, thread.id);
  frame.was_kmapped = true;
  --frame.kmaps;
  kmapper::linux_face::remove_holder(machine, thread, pfn);
  if (!machine.is_high(pfn) || frame.kmaps != 0) return;
  if (frame.is_kmapped_in_plain_view) machine.plain().close(pfn);
  --machine.slots_in_use;
  machine.slot_is_free.notify_all();
}

void kmap_flush_unused() {}
