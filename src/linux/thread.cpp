#include "linux/thread.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>

#include "linux/local_view.hpp"
#include "linux/report.hpp"

namespace kmapper::linux_face {
namespace {

constinit thread_local Thread* current_or_none = nullptr;
constinit std::atomic<unsigned long> key_plus_1{0};  // of pthreads; 0: there is none yet
// How many were made, so that each samples other mappings.
constinit std::atomic<std::uint32_t> threads{0};

}  // namespace

/// The thread is deleted when it ends, and so is another one that its later destructors make. A
/// thread that calls exit() is not. Two threads may make a key at once, so no child of a fork has
/// to wait for a thread that was making it.
Thread& Thread::current() {
  Thread* const thread = current_or_none;
  if (thread != nullptr) [[likely]]
    return *thread;
  unsigned long key = key_plus_1.load(std::memory_order_relaxed);
  if (key == 0) {
    pthread_key_t made{};
    const int error = pthread_key_create(&made, [](void* it) { delete static_cast<Thread*>(it); });
    if (error != 0) fail("thread-local storage", error);
    if (key_plus_1.compare_exchange_strong(key, made + 1UL, std::memory_order_relaxed))
      key = made + 1UL;
    else
      pthread_key_delete(made);
  }
  auto* const made = new Thread;
  if (const int error = pthread_setspecific(static_cast<pthread_key_t>(key - 1), made); error != 0)
    fail("thread-local storage", error);
  return *made;
}

Thread* Thread::find() { return current_or_none; }

Thread::Thread()
    : id(static_cast<int>(gettid())),
      random_((threads.fetch_add(1, std::memory_order_relaxed) + 1) * 2654435761U | 1U) {
  current_or_none = this;
  Machine::get().keys.deny_all();
}

Thread::~Thread() {
  expect_nothing_left();
  current_or_none = nullptr;
  if (view_ != nullptr) view_->give_back();
}

void Thread::expect_nothing_left() const {
  if (Machine::is_a_forks_child()) return;
  if (depth_ != 0) {
    const Local& last = locals_[depth_ - 1];
    stop({.what = "a thread ends with a local mapping",
          .pfn = last.pfn,
          .caller = last.caller,
          .advice = "kunmap_local before the thread ends"});
  }
  if (preempts_ != 0) {
    stop({.what = "a thread ends in a section that must not sleep",
          .caller = preempt_by_,
          .advice = "preempt_enable before the thread ends"});
  }
}

void Thread::end_section(const void* caller) {
  if (preempts_ == 0) {
    stop({.what = "preempt_enable without preempt_disable",
          .caller = caller,
          .advice = "look for a second preempt_enable, or spin_unlock, of one section"});
  }
  --preempts_;
}

void Thread::must_not_sleep(const char* what, unsigned long pfn, const void* caller) const {
  const void* begun_by = preempt_by_;
  for (unsigned i = 0; i < depth_ && preempts_ == 0; ++i)
    if (locals_[i].is_atomic) begun_by = locals_[i].caller;
  stop({.what = what,
        .pfn = pfn,
        .caller = caller,
        .advice = "the other call began the section: end it before, or do not sleep in it",
        .other = begun_by});
}

/// At random, and the same in each run of a program of one thread.
bool Thread::is_checked_now() {
  const unsigned long one_in = Machine::get().check_one_in;
  if (--until_checked_ != 0) return false;
  random_ ^= random_ << 13;  // Marsaglia, "Xorshift RNGs", 2003
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  until_checked_ = one_in == 1 ? 1 : 1 + random_ % (2 * one_in - 1);
  return true;
}

bool is_only_thread() {
  std::FILE* const status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) return false;
  int threads = 0;
  for (char line[128]; threads == 0 && std::fgets(line, sizeof line, status) != nullptr;)
    (void)std::sscanf(line, "Threads: %d", &threads);  // NOLINT(cert-err34-c): stays 0
  (void)std::fclose(status);
  return threads == 1;
}

}  // namespace kmapper::linux_face

using kmapper::linux_face::Thread;

void preempt_disable() { Thread::current().begin_section(__builtin_return_address(0)); }

void preempt_enable() { Thread::current().end_section(__builtin_return_address(0)); }

int preempt_count() { return static_cast<int>(Thread::current().sections()); }

void pagefault_disable() {
  Thread& thread = Thread::current();
  ++thread.pagefaults_off;
}

void pagefault_enable() {
  Thread& thread = Thread::current();
  if (thread.pagefaults_off-- != 0) return;
  kmapper::linux_face::stop({.what = "pagefault_enable without pagefault_disable",
                             .caller = __builtin_return_address(0),
                             .advice = "look for a second pagefault_enable of one section"});
}

bool pagefault_disabled() {
  const Thread& thread = Thread::current();
  return thread.pagefaults_off != 0 || thread.is_atomic();
}

void might_sleep() {
  Thread::current().expect_may_sleep("might_sleep in a section that must not sleep", 0,
                                     __builtin_return_address(0));
}
