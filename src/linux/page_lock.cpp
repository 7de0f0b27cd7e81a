// The lock of a page, and writeback: bits of page->flags that threads sleep for.
#include "kmapper/linux/pagemap.h"
#include "linux/pages.hpp"
#include "linux/report.hpp"
#include "linux/thread.hpp"

namespace kmapper::linux_face {
namespace {

/// Sets or clears a bit, and returns whether it was set.
bool set_flag(page* page, pageflags flag) {
  return (__atomic_fetch_or(&page->flags, 1UL << flag, __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}
bool clear_flag(page* page, pageflags flag) {
  return (__atomic_fetch_and(&page->flags, ~(1UL << flag), __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}
bool has_flag(const page* page, pageflags flag) {
  return (__atomic_load_n(&page->flags, __ATOMIC_SEQ_CST) >> flag & 1) != 0;
}

/// The flags of a compound page are those of its first page.
page* head(const page* page, const char* call, const void* caller) {
  Machine& machine = Machine::get();
  return machine.page_of(machine.head_of(expect_allocated(machine, page, call, caller)));
}

/// What to call a sleep that would never end: of a page that this thread has locked itself, and of
/// another one.
struct ForEver {
  const char* own;
  const char* other;
};

/// Sleeps until `is_done`.
template <class IsDone>
void sleep_until(const page* page, const ForEver& for_ever, const void* caller, IsDone is_done) {
  Machine& machine = Machine::get();
  if (is_done()) return;
  const unsigned long pfn = machine.pfn_of(page);
  if (is_only_thread()) {
    if (is_done()) return;  // by a thread that has ended since
    const Call& begun = machine.frame(pfn).locked;
    stop({.what = begun.thread == Thread::current().id ? for_ever.own : for_ever.other,
          .pfn = pfn,
          .caller = caller,
          .advice = "it would sleep for ever: the other call locked it, or began its writeback",
          .other = begun.get()});
  }
  std::unique_lock lock(machine.mutex);
  machine.flag_is_clear.wait(lock, is_done);
}

void wake() {
  Machine& machine = Machine::get();
  const std::lock_guard lock(machine.mutex);
  machine.flag_is_clear.notify_all();
}

void note_lock(const page* page, const void* caller) {
  Machine& machine = Machine::get();
  machine.frame(machine.pfn_of(page)).locked.set(caller, Thread::current().id);
}

}  // namespace
}  // namespace kmapper::linux_face

using kmapper::linux_face::clear_flag;
using kmapper::linux_face::has_flag;
using kmapper::linux_face::head;
using kmapper::linux_face::Machine;
using kmapper::linux_face::note_lock;
using kmapper::linux_face::set_flag;
using kmapper::linux_face::stop;
using kmapper::linux_face::Thread;
using kmapper::linux_face::wake;

void lock_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "lock_page of something that is not an allocated page", caller);
  Thread::current().expect_may_sleep("lock_page in a section that must not sleep",
                                     Machine::get().pfn_of(page), caller);
  kmapper::linux_face::sleep_until(page,
                                   {"lock_page of a page that this thread has locked",
                                    "lock_page of a page that no thread is left to unlock"},
                                   caller, [page] { return !set_flag(page, PG_locked); });
  note_lock(page, caller);
}

bool trylock_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "trylock_page of something that is not an allocated page", caller);
  if (set_flag(page, PG_locked)) return false;
  note_lock(page, caller);
  return true;
}

void unlock_page(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "unlock_page of something that is not an allocated page", caller);
  if (!clear_flag(page, PG_locked)) {
    stop({.what = "unlock_page of a page that is not locked",
          .pfn = Machine::get().pfn_of(page),
          .caller = caller,
          .advice = "look for a second unlock_page, or for a lock_page that was left out"});
  }
  wake();
}

void wait_on_page_locked(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "wait_on_page_locked of something that is not an allocated page", caller);
  Thread::current().expect_may_sleep("wait_on_page_locked in a section that must not sleep",
                                     Machine::get().pfn_of(page), caller);
  kmapper::linux_face::sleep_until(
      page,
      {"wait_on_page_locked of a page that this thread has locked",
       "wait_on_page_locked of a page that no thread is left to unlock"},
      caller, [page] { return !has_flag(page, PG_locked); });
}

void set_page_writeback(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "set_page_writeback of something that is not an allocated page", caller);
  if (!set_flag(page, PG_writeback)) return note_lock(page, caller);
  stop({.what = "set_page_writeback of a page that is under writeback",
        .pfn = Machine::get().pfn_of(page),
        .caller = caller,
        .advice = "wait_on_page_writeback before the next writeback begins"});
}

void end_page_writeback(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "end_page_writeback of something that is not an allocated page", caller);
  if (!clear_flag(page, PG_writeback)) {
    stop({.what = "end_page_writeback of a page that is not under writeback",
          .pfn = Machine::get().pfn_of(page),
          .caller = caller,
          .advice = "look for a second end_page_writeback"});
  }
  wake();
}

void wait_on_page_writeback(page* page) {
  const void* const caller = __builtin_return_address(0);
  page = head(page, "wait_on_page_writeback of something that is not an allocated page", caller);
  Thread::current().expect_may_sleep("wait_on_page_writeback in a section that must not sleep",
                                     Machine::get().pfn_of(page), caller);
  kmapper::linux_face::sleep_until(
      page,
      {"wait_on_page_writeback of a page that this thread writes",
       "wait_on_page_writeback of a page that no thread is left to write"},
      caller, [page] { return !has_flag(page, PG_writeback); });
}
