// The lock of a page, and writeback: bits of page->flags that threads sleep for.
#include "kmapper/linux/pagemap.h"
#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

/// The flags of a compound page are those of its first page.
page* head(const page* page, const char* call, const void* caller) {
  Machine& machine = Machine::get();
  return machine.page_of(expect_head(machine, page, call, caller));
}

/// The mistakes of a call that sleeps for a page.
struct Sleep {
  const char* not_allocated;
  const char* asleep;  // in a section that must not sleep
  const char* own;     // for ever, because this thread has locked the page
  const char* other;   // for ever, because no thread is left to unlock it
};

/// Sleeps until `is_done(page)`, of the first page of a compound page, and returns that page.
template <class IsDone>
page* sleep_until(const page* of, const Sleep& call, const void* caller, IsDone is_done) {
  Machine& machine = Machine::get();
  page* const page = head(of, call.not_allocated, caller);
  const unsigned long pfn = machine.pfn_of(page);
  Thread::current().expect_may_sleep(call.asleep, pfn, caller);
  if (is_done(*page)) return page;
  if (is_only_thread()) {
    if (is_done(*page)) return page;  // by a thread that has ended since
    const Call& begun = machine.frame(pfn).locked;
    stop({.what = begun.thread == Thread::current().id ? call.own : call.other,
          .pfn = pfn,
          .caller = caller,
          .advice = "it would sleep for ever: the other call locked it, or began its writeback",
          .other = begun.get()});
  }
  std::unique_lock lock(machine.mutex);
  machine.flag_is_clear.wait(lock, [&] { return is_done(*page); });
  return page;
}

/// Clears a flag that was set, and wakes the threads that sleep for that.
void clear_and_wake(const page* of, pageflags flag, const char* not_allocated, const char* not_set,
                    const char* advice, const void* caller) {
  page* const page = head(of, not_allocated, caller);
  Machine& machine = Machine::get();
  if (!clear_flag(*page, flag))
    stop({.what = not_set, .pfn = machine.pfn_of(page), .caller = caller, .advice = advice});
  const std::lock_guard lock(machine.mutex);
  machine.flag_is_clear.notify_all();
}

void note_lock(const page* page, const void* caller) {
  Machine& machine = Machine::get();
  machine.frame(machine.pfn_of(page)).locked.set(caller, Thread::current().id);
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::clear_and_wake;
using kmapper::linux_face::has_flag;
using kmapper::linux_face::head;
using kmapper::linux_face::Machine;
using kmapper::linux_face::note_lock;
using kmapper::linux_face::set_flag;
using kmapper::linux_face::sleep_until;

void lock_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  note_lock(sleep_until(page,
                        {.not_allocated = "lock_page of something that is not an allocated page",
                         .asleep = "lock_page in a section that must not sleep",
                         .own = "lock_page of a page that this thread has locked",
                         .other = "lock_page of a page that no thread is left to unlock"},
                        caller, [](struct page& it) { return !set_flag(it, PG_locked); }),
            caller);
}

bool trylock_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "trylock_page of something that is not an allocated page", caller);
  if (set_flag(*page, PG_locked)) return false;
  note_lock(page, caller);
  return true;
}

void unlock_page(page* page) {
  clear_and_wake(page, PG_locked, "unlock_page of something that is not an allocated page",
                 "unlock_page of a page that is not locked",
                 "look for a second unlock_page, or for a lock_page that was left out",
                 __builtin_return_address(0));
}

void wait_on_page_locked(page* page) {
  (void)sleep_until(
      page,
      {.not_allocated = "wait_on_page_locked of something that is not an allocated page",
       .asleep = "wait_on_page_locked in a section that must not sleep",
       .own = "wait_on_page_locked of a page that this thread has locked",
       .other = "wait_on_page_locked of a page that no thread is left to unlock"},
      __builtin_return_address(0), [](struct page& it) { return !has_flag(it, PG_locked); });
}

void set_page_writeback(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "set_page_writeback of something that is not an allocated page", caller);
  if (!set_flag(*page, PG_writeback)) return note_lock(page, caller);
  kmapper::linux_face::stop({.what = "set_page_writeback of a page that is under writeback",
                             .pfn = Machine::get().pfn_of(page),
                             .caller = caller,
                             .advice = "wait_on_page_writeback before the next writeback begins"});
}

void end_page_writeback(page* page) {
  clear_and_wake(page, PG_writeback,
                 "end_page_writeback of something that is not an allocated page",
                 "end_page_writeback of a page that is not under writeback",
                 "look for a second end_page_writeback", __builtin_return_address(0));
}

void wait_on_page_writeback(page* page) {
  (void)sleep_until(
      page,
      {.not_allocated = "wait_on_page_writeback of something that is not an allocated page",
       .asleep = "wait_on_page_writeback in a section that must not sleep",
       .own = "wait_on_page_writeback of a page that this thread writes",
       .other = "wait_on_page_writeback of a page that no thread is left to write"},
      __builtin_return_address(0), [](struct page& it) { return !has_flag(it, PG_writeback); });
}
