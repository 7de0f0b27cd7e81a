// kmap, kunmap, and the calls that convert between pages and addresses. A kmapped page has an
// address for all threads. At most as many high pages as there are slots are kmapped at a time.
#include "linux/report.hpp"
#include "linux/thread.hpp"

using kmapper::linux_face::Frame;
using kmapper::linux_face::Machine;
using kmapper::linux_face::Thread;
using kmapper::linux_face::View;

namespace kmapper::linux_face {

unsigned long expect_allocated(Machine& machine, const page* page, const char* call,
                               const void* caller) {
  const unsigned long pfn = machine.pfn_of(page);
  if (pfn != 0 && machine.frame(pfn).is_allocated) return pfn;
  const unsigned long plain = machine.pfn_at(View::plain, page);
  const unsigned long local = machine.pfn_at(View::local, page);
  const char* advice = "pass what alloc_page() returned";
  if (pfn != 0) advice = "free a page after its last use";
  if (plain + local != 0) advice = "that is an address in the page: pass its struct page";
  stop({.what = call, .pfn = pfn != 0 ? pfn : plain + local, .caller = caller, .advice = advice});
}

namespace {

/// Gives the page an address. May have to sleep for a slot.
void take_slot(Machine& machine, std::unique_lock<std::mutex>& lock, Thread& thread,
               const page* page, const void* caller) {
  const unsigned long pfn = machine.pfn_of(page);
  const auto must_sleep = [&] {
    return machine.frame(pfn).kmaps == 0 && machine.slots_in_use == machine.slots();
  };
  if (must_sleep() && thread.slots > 0) {
    report(
        {.what = "kmap sleeps because all slots are taken, while its caller holds one",
         .pfn = pfn,
         .caller = caller,
         .advice = "if all threads do this, all sleep for ever; kmap_local_page() needs no slot"});
  }
  machine.slot_is_free.wait(lock, [&] { return !must_sleep(); });
  (void)expect_allocated(machine, page, "a page freed while kmap of it sleeps", caller);
  if (machine.frame(pfn).kmaps != 0) return;
  ++machine.slots_in_use;
  machine.open(View::plain, pfn);
}

}  // namespace
}  // namespace kmapper::linux_face

void* kmap(page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  Thread& thread = Thread::current();
  std::unique_lock lock(machine.mutex);
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "kmap of something that is not an allocated page", caller);
  thread.expect_may_sleep("kmap, which may sleep, in a kmap_atomic section", pfn, caller);
  if (machine.is_high(pfn)) kmapper::linux_face::take_slot(machine, lock, thread, page, caller);
  Frame& frame = machine.frame(pfn);
  ++frame.kmaps;
  frame.kmapped_by = caller;
  thread.slots += machine.is_high(pfn) ? 1 : 0;
  return machine.address(View::plain, pfn);
}

void kunmap(const page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "kunmap of something that is not an allocated page", caller);
  Frame& frame = machine.frame(pfn);
  if (frame.kmaps == 0) {
    const bool was = frame.kunmapped_by != nullptr;
    kmapper::linux_face::stop(
        {.what = was ? "kunmap of a page that is no longer kmapped"
                     : "kunmap of a page that was never kmapped",
         .pfn = pfn,
         .caller = caller,
         .advice = was ? "look for a second kunmap of one kmap" : "kunmap what was kmapped"});
  }
  frame.kunmapped_by = caller;
  --frame.kmaps;
  if (!machine.is_high(pfn)) return;
  --Thread::current().slots;
  if (frame.kmaps != 0) return;
  machine.close(View::plain, pfn);
  --machine.slots_in_use;
  machine.slot_is_free.notify_all();
}

void kmap_flush_unused() {}

int PageHighMem(const page* page) {
  const Machine& machine = Machine::get();
  return machine.is_high(page_to_pfn(page)) ? 1 : 0;
}

void* page_address(const page* page) {
  const void* const caller = __builtin_return_address(0);
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const unsigned long pfn = kmapper::linux_face::expect_allocated(
      machine, page, "page_address of something that is not an allocated page", caller);
  if (!machine.is_high(pfn) || machine.frame(pfn).kmaps != 0)
    return machine.address(View::plain, pfn);
  Thread& thread = Thread::current();
  thread.without_address = pfn;
  thread.without_address_for = caller;
  return nullptr;
}

unsigned long page_to_pfn(const page* page) {
  const unsigned long pfn = Machine::get().pfn_of(page);
  if (pfn != 0) return pfn;
  kmapper::linux_face::stop({.what = "a pointer that is not a struct page",
                             .pfn = 0,
                             .caller = __builtin_return_address(0),
                             .advice = "pass what alloc_page() returned"});
}

page* pfn_to_page(unsigned long pfn) { return Machine::get().page_of(pfn); }

int pfn_valid(unsigned long pfn) { return Machine::get().has(pfn) ? 1 : 0; }

page* virt_to_page(const void* address) {
  Machine& machine = Machine::get();
  const unsigned long pfn = machine.pfn_at(View::plain, address);
  if (pfn != 0 && !machine.is_high(pfn)) return machine.page_of(pfn);
  const std::lock_guard lock(machine.mutex);
  kmapper::linux_face::stop({.what = "virt_to_page of an address outside low memory",
                             .pfn = pfn + machine.pfn_at(View::local, address),
                             .caller = __builtin_return_address(0),
                             .advice = "for an address that kmap returned, use kmap_to_page()"});
}

page* kmap_to_page(void* address) {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  const unsigned long plain = machine.pfn_at(View::plain, address);
  const unsigned long local = machine.pfn_at(View::local, address);
  if (machine.has(plain) && (!machine.is_high(plain) || machine.frame(plain).kmaps != 0))
    return machine.page_of(plain);
  if (machine.has(local) && machine.frame(local).locals != 0) return machine.page_of(local);
  kmapper::linux_face::stop({.what = "kmap_to_page of an address that maps nothing",
                             .pfn = plain + local,
                             .caller = __builtin_return_address(0),
                             .advice = "pass what kmap() returned, before the kunmap"});
}

unsigned long nr_free_highpages() { return Machine::get().free_high_pages(); }

unsigned long totalhigh_pages() {
  const Machine& machine = Machine::get();
  return machine.end_pfn() - machine.first_high_pfn();
}
