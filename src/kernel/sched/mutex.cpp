#include "kernel/sched/mutex.hpp"

#include "kernel/sched/scheduler.hpp"

namespace kmapper::kernel {

struct Mutex::Waiter {
  Thread& thread;
  Waiter* next = nullptr;
  bool has_it = false;
};

void Mutex::lock() {
  acquire();
  Thread& self = *this_cpu::current();
  before_ = self.last_mutex_;
  self.last_mutex_ = this;
}

void Mutex::acquire() {
  const Locked guard(guard_);
  if (!held_) {
    held_ = true;
    return;
  }
  Waiter self{*this_cpu::current()};
  (last_ == nullptr ? first_ : last_->next) = &self;
  last_ = &self;
  while (!self.has_it) scheduler.sleep(guard_);
}

void Mutex::unlock() {
  this_cpu::current()->last_mutex_ = before_;
  const Locked guard(guard_);
  Waiter* const next = first_;
  if (next == nullptr) {
    held_ = false;
    return;
  }
  first_ = next->next;
  if (first_ == nullptr) last_ = nullptr;
  next->has_it = true;
  scheduler.wake(next->thread);
}

}  // namespace kmapper::kernel
