#include "simulated/fiber.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define KMAPPER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KMAPPER_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define KMAPPER_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KMAPPER_THREAD_SANITIZER 1
#endif
#endif

#if defined(KMAPPER_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(KMAPPER_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

namespace kmapper::simulated {
namespace {

constexpr std::size_t kStackSize =
    256 * 1024;  // room for a sanitizer's frames and for a test's printing
constexpr std::size_t kGuardSize = 64 * 1024;  // a multiple of every host's page size

// The fiber that start() is to run, and the fiber that the last switch left: a new context gets no
// argument that is wide enough for a pointer.
thread_local Fiber* arriving = nullptr;
thread_local Fiber* leaving = nullptr;

}  // namespace

Fiber::Fiber() {  // NOLINT(modernize-use-equals-default): not empty under ThreadSanitizer
#if defined(KMAPPER_THREAD_SANITIZER)
  thread_sanitizer_ = __tsan_get_current_fiber();
#endif
}

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
  void* const memory = mmap(nullptr, kGuardSize + kStackSize, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<std::byte*>(memory);
  if (mprotect(stack_ + kGuardSize, kStackSize, PROT_READ | PROT_WRITE) != 0)
    throw std::bad_alloc();
  stack_bottom_ = stack_ + kGuardSize;
  stack_size_ = kStackSize;
  if (getcontext(&context_) != 0) std::abort();
  context_.uc_stack.ss_sp = stack_ + kGuardSize;
  context_.uc_stack.ss_size = kStackSize;
  context_.uc_link = nullptr;
  makecontext(&context_, &Fiber::start, 0);
#if defined(KMAPPER_THREAD_SANITIZER)
  thread_sanitizer_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  if (stack_ == nullptr) return;
#if defined(KMAPPER_THREAD_SANITIZER)
  __tsan_destroy_fiber(thread_sanitizer_);
#endif
#if defined(KMAPPER_ADDRESS_SANITIZER)
  // Unpoison what the abandoned stack has poisoned: the memory will be reused.
  __asan_unpoison_memory_region(stack_, kGuardSize + kStackSize);
#endif
  munmap(stack_, kGuardSize + kStackSize);
}

void Fiber::start() {
  Fiber* const self = arriving;
  self->announce_arrival();
  self->body_();
  std::abort();  // the body must have switched away
}

void Fiber::switch_to(Fiber& from, Fiber& to) {
  if (&from == &to) return;
  arriving = &to;
  leaving = &from;
#if defined(KMAPPER_ADDRESS_SANITIZER)
  __sanitizer_start_switch_fiber(&from.address_sanitizer_, to.stack_bottom_, to.stack_size_);
#endif
#if defined(KMAPPER_THREAD_SANITIZER)
  __tsan_switch_to_fiber(to.thread_sanitizer_, 0);
#endif
  if (swapcontext(&from.context_, &to.context_) != 0) std::abort();
  from.announce_arrival();
}

/// The first call on the new stack after a switch.
void Fiber::announce_arrival() {
#if defined(KMAPPER_ADDRESS_SANITIZER)
  // Only the sanitizer knows the stack of the thread's own fiber; it returns it here.
  __sanitizer_finish_switch_fiber(address_sanitizer_, &leaving->stack_bottom_,
                                  &leaving->stack_size_);
#endif
}

}  // namespace kmapper::simulated
