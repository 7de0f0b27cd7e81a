#include "kernel/sched/scheduler.hpp"

#include "arch/clock.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/preemption.hpp"

namespace kmapper::kernel {

constinit Scheduler scheduler;

void Scheduler::start(Thread& idle) {
  idle.state_ = Thread::State::running;
  this_cpu::write(this_cpu::fields.idle, &idle);
  this_cpu::write(this_cpu::fields.current, &idle);
  this_cpu::write(this_cpu::fields.stamp, make_stamp(idle.number(), now()));
}

void Scheduler::wake(Thread& thread) {
  const InterruptsOff bounded;
  const Locked guard(lock_);
  if (thread.state_ == Thread::State::sleeping) make_ready(thread);
}

/// Appends to the run queue. The lock is held.
void Scheduler::make_ready(Thread& thread) {
  if (thread.is_timed_) stop_timer(thread);
  thread.state_ = Thread::State::ready;
  thread.next_ = nullptr;
  (first_ready_ == nullptr ? first_ready_ : last_ready_->next_) = &thread;
  last_ready_ = &thread;
}

/// Runs the next thread, or the idle one. The caller has said what becomes of the running thread.
/// Returns when it runs again. The lock is held, before and after; interrupts are disabled.
void Scheduler::switch_away() {
  this_cpu::write(this_cpu::fields.reschedule, 0U);
  Thread& self = *this_cpu::current();
  Thread* next = first_ready_;
  if (next != nullptr) {
    first_ready_ = next->next_;
  } else {
    next = this_cpu::read(this_cpu::fields.idle);
  }
  next->state_ = Thread::State::running;
  if (next == &self) return;
  this_cpu::write(this_cpu::fields.current, next);
  this_cpu::write(this_cpu::fields.stamp, make_stamp(next->number(), now()));
  switch_context(&self.context_, &next->context_);
}

void Scheduler::yield() {
  const InterruptsOff bounded;
  const Locked guard(lock_);
  Thread& self = *this_cpu::current();
  if (!self.is_idle()) make_ready(self);
  switch_away();
}

/// The thread will be made ready at that tick, if nobody does so before. The lock is held.
void Scheduler::start_timer(Thread& thread, std::uint32_t tick) {
  thread.wake_tick_ = tick;
  thread.is_timed_ = true;
  thread.next_timed_ = spokes_[tick % kSpokes];
  spokes_[tick % kSpokes] = &thread;
}

void Scheduler::stop_timer(Thread& thread) {
  Thread** link = &spokes_[thread.wake_tick_ % kSpokes];
  while (*link != &thread) link = &(*link)->next_timed_;
  *link = thread.next_timed_;
  thread.is_timed_ = false;
}

void Scheduler::sleep(Spinlock& lock, std::uint64_t deadline_ns) {
  lock_.lock();
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::sleeping;
  if (deadline_ns != UINT64_MAX) {
    const std::uint64_t now_in_ns = now_ns();
    const std::uint64_t left = deadline_ns > now_in_ns ? deadline_ns - now_in_ns : 0;
    constexpr std::uint32_t kMostTicks =
        UINT32_MAX / 4;  // wakes early, in four months, for no reason
    const std::uint64_t ticks = divide(left, kNanosecondsPerTick).quotient + 1;
    start_timer(self, now() + static_cast<std::uint32_t>(ticks < kMostTicks ? ticks : kMostTicks));
  }
  const InterruptState before = lock.unlock_keeping_interrupts_off();
  if (!is_enabled(before) || holds_spinlock()) panic("a thread sleeps with a spinlock held");
  switch_away();
  lock_.unlock();
  lock.relock(before);
}

void Scheduler::sleep_until(std::uint32_t tick) {
  const InterruptsOff bounded;
  const Locked guard(lock_);
  if (static_cast<std::int32_t>(tick - now()) <= 0) return;
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::waiting_for_tick;
  start_timer(self, tick);
  switch_away();
}

void Scheduler::tick() {
  const Locked guard(lock_);
  const std::uint32_t tick = now() + 1;
  ticks_.store(tick, std::memory_order_relaxed);
  this_cpu::write(this_cpu::fields.stamp, make_stamp(this_cpu::current()->number(), tick));
  for (Thread* thread = spokes_[tick % kSpokes]; thread != nullptr;) {
    Thread* const next = thread->next_timed_;
    if (thread->wake_tick_ == tick) make_ready(*thread);
    thread = next;
  }
  if (first_ready_ != nullptr) this_cpu::write(this_cpu::fields.reschedule, 1U);
}

void Scheduler::exit(Ending ending) {
  disable_interrupts();
  lock_.lock();
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::ended;
  self.ending_ = ending;
  if (self.joiner_ != nullptr) make_ready(*self.joiner_);
  switch_away();
  panic("a thread runs that has ended");
}

Ending Scheduler::wait_for_end(Thread& thread) {
  const InterruptsOff bounded;
  const Locked guard(lock_);
  if (thread.state_ != Thread::State::ended) {
    Thread& self = *this_cpu::current();
    thread.joiner_ = &self;
    self.state_ = Thread::State::sleeping;
    switch_away();
  }
  return thread.ending_;
}

void Scheduler::run_new_thread() {
  lock_.unlock();
  enable_interrupts();
  Thread& self = *this_cpu::current();
  self.function_(self.argument_);
  exit(Ending::returned);
}

void preempt_from_interrupt() {
  if (this_cpu::read(this_cpu::fields.reschedule) == 0 || in_interrupt()) return;
  if (this_cpu::read(this_cpu::fields.preemption_off) != 0) return;
  scheduler.yield();
}

void preempt_if_due() {
  if (this_cpu::read(this_cpu::fields.reschedule) != 0 && may_sleep()) scheduler.yield();
}

void idle() {
  for (;;) {
    disable_interrupts();
    scheduler.yield();
    wait_for_interrupt();
  }
}

}  // namespace kmapper::kernel
