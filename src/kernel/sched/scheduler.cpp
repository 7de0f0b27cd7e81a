#include "kernel/sched/scheduler.hpp"

#include <algorithm>

#include "arch/clock.hpp"
#include "arch/cpus.hpp"
#include "arch/tlb.hpp"
#include "arch/user_mode.hpp"
#include "kernel/lib/divide.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/preemption.hpp"

namespace kmapper::kernel {

constinit Scheduler scheduler;

namespace {

void end_turn() { this_cpu::write(this_cpu::fields.reschedule, 1U); }

// Calls a CPU for a thread that is ready on `home`, whose lock has been released. Interrupts are
// disabled.
void call_cpu(CpuNumber home, bool can_move) {
  const CpuNumber self = this_cpu::number();
  if (home == self && this_cpu::current()->is_idle()) return;  // it looks before it halts
  const CpuSet idle = tlb::idle_cpus();
  if (idle.contains(home)) return interrupt_cpu(home, Interrupt::reschedule);
  if (can_move && !idle.empty()) interrupt_cpu(idle.first(), Interrupt::reschedule);
}

}  // namespace

void Scheduler::start(Thread& idle) {
  set_interrupt_handler(Interrupt::reschedule, end_turn);
  const CpuNumber self = this_cpu::number();
  idle.state_ = Thread::State::running;
  idle.home_.store(self, std::memory_order_relaxed);
  this_cpu::write(this_cpu::fields.idle, &idle);
  this_cpu::write(this_cpu::fields.current, &idle);
  this_cpu::write(this_cpu::fields.stamp, make_stamp(idle.number(), now()));
}

/// The home's queue, locked. Interrupts are disabled.
RunQueue& Scheduler::lock_home(const Thread& thread) {
  for (;;) {
    const CpuNumber home = thread.home_.load(std::memory_order_relaxed);
    RunQueue& queue = queue_of(home);
    queue.lock().lock();
    if (thread.home_.load(std::memory_order_relaxed) == home) return queue;
    queue.lock().unlock();
  }
}

void Scheduler::wake(Thread& thread) {
  const InterruptsOff bounded;
  RunQueue& queue = lock_home(thread);
  const CpuNumber home = thread.home_.load(std::memory_order_relaxed);
  const bool sleeps = thread.state_ == Thread::State::sleeping;
  const bool can_move = thread.can_move();
  if (sleeps) queue.put(thread);
  queue.lock().unlock();  // from here on the thread may be gone
  if (sleeps) call_cpu(home, can_move);
}

/// Runs the next thread, or the idle thread. The caller has set the running thread's new state.
/// Returns when that thread runs again. This CPU's queue is locked at the call and unlocked at the
/// return. Interrupts are disabled.
void Scheduler::switch_away(RunQueue& queue) {
  this_cpu::write(this_cpu::fields.reschedule, 0U);
  Thread& self = *this_cpu::current();
  Thread* const next = next_thread(queue);
  next->state_ = Thread::State::running;
  if (next == &self) return queue.lock().unlock();
  this_cpu::write(this_cpu::fields.current, next);
  this_cpu::write(this_cpu::fields.stamp, make_stamp(next->number(), now()));
  this_cpu::add(this_cpu::fields.switches, 1);
  queue.left = &self;
  local_maps.switch_stacks(self.local_stack(), next->local_stack());
  if (self.directories_ != next->directories_) load_directories_of(*next);
  switch_context(&self.context_, &next->context_);
  finish_switch();
}

Thread* Scheduler::next_thread(RunQueue& queue) {
  Thread* next = queue.take();
  if (next == nullptr) next = steal();
  // The CPU that called this one has called no other CPU for the remaining threads.
  if (queue.has_movable()) call_cpu(this_cpu::number(), true);
  return next != nullptr ? next : this_cpu::read(this_cpu::fields.idle);
}

/// A thread from another CPU's queue, or null.
Thread* Scheduler::steal() {
  const CpuNumber self = this_cpu::number();
  for (std::uint32_t i = 1; i < cpu_count(); ++i) {
    const CpuNumber from{(to_number(self) + i) % cpu_count()};
    RunQueue& queue = queue_of(from);
    if (!queue.has_movable() || !queue.lock().try_lock()) continue;
    Thread* const thread = queue.take_movable();
    if (thread != nullptr) thread->home_.store(self, std::memory_order_relaxed);
    queue.lock().unlock();
    if (thread == nullptr) continue;
    this_cpu::add(this_cpu::fields.steals, 1);
    if (queue.has_movable()) call_cpu(from, true);
    return thread;
  }
  return nullptr;
}

/// The first step of a thread after a switch to it: the CPU's queue is still locked by the thread
/// that left.
void Scheduler::finish_switch() {
  RunQueue& queue = own_queue();
  Thread& left = *queue.left;
  const Thread::State state = left.state_;
  queue.lock().unlock();
  // In these two states no other thread uses it.
  if (state == Thread::State::ended) announce_end(left);
  if (state == Thread::State::moving) arrive(left);
}

void Scheduler::yield() {
  const InterruptsOff bounded;
  RunQueue& queue = own_queue();
  queue.lock().lock();
  Thread& self = *this_cpu::current();
  if (!self.is_idle()) queue.put(self);
  switch_away(queue);
}

void Scheduler::move_to(CpuNumber cpu) {
  const InterruptsOff bounded;
  Thread& self = *this_cpu::current();
  self.stays_ = true;
  if (cpu == this_cpu::number()) return;
  RunQueue& queue = own_queue();
  queue.lock().lock();
  self.state_ = Thread::State::moving;
  self.home_.store(cpu, std::memory_order_relaxed);
  switch_away(queue);
}

// An address space is loaded only where its thread runs: a CPU that goes on with another thread,
// even the idle one, unloads it before another CPU can run the thread. So when a translation is
// dropped, no other CPU has to be told.
void Scheduler::load_directories_of(Thread& thread) {
  posted_flushes.drop(to_number(this_cpu::number()),
                      [&thread] { load_page_directories(thread.directories_); });
  this_cpu::add(this_cpu::fields.spaces, 1);
  if (thread.directories_ != nullptr) set_trap_stack(thread_stack_top(thread));
}

void Scheduler::use_directories(const PageDirectoryPointers* directories) {
  const InterruptsOff bounded;
  Thread& self = *this_cpu::current();
  self.directories_ = directories;
  load_directories_of(self);
}

void Scheduler::roam() { this_cpu::current()->stays_ = false; }

/// A thread that moves has left its old CPU.
void Scheduler::arrive(Thread& thread) {
  const CpuNumber home = thread.home_.load(std::memory_order_relaxed);
  RunQueue& queue = queue_of(home);
  queue.lock().lock();
  queue.put(thread);
  queue.lock().unlock();
  call_cpu(home, false);
}

void Scheduler::sleep(Spinlock& lock, std::uint64_t deadline_ns) {
  RunQueue& queue = own_queue();
  queue.lock().lock();
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::sleeping;
  if (deadline_ns != UINT64_MAX) {
    const std::uint64_t now_in_ns = now_ns();
    const std::uint64_t left = deadline_ns > now_in_ns ? deadline_ns - now_in_ns : 0;
    // The thread wakes early, after four months, without a reason.
    constexpr std::uint64_t kMostTicks = UINT32_MAX / 4;
    const std::uint64_t ticks = divide(left, kNanosecondsPerTick).quotient + 1;
    queue.start_timer(self, now() + static_cast<std::uint32_t>(std::min(ticks, kMostTicks)));
  }
  const InterruptState before = lock.unlock_keeping_interrupts_off();
  if (!is_enabled(before) || holds_spinlock()) panic("a thread sleeps with a spinlock held");
  switch_away(queue);
  lock.relock(before);
}

void Scheduler::sleep_until(std::uint32_t tick) {
  const InterruptsOff bounded;
  RunQueue& queue = own_queue();
  queue.lock().lock();
  if (static_cast<std::int32_t>(tick - now()) <= 0) return queue.lock().unlock();
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::waiting_for_tick;
  queue.start_timer(self, tick);
  switch_away(queue);
}

void Scheduler::tick() {
  flush_posted();
  const CpuNumber self = this_cpu::number();
  if (self == CpuNumber{0}) ticks_.store(now() + 1, std::memory_order_relaxed);
  RunQueue& queue = own_queue();
  const Locked guard(queue.lock());
  const std::uint32_t tick = now();
  this_cpu::write(this_cpu::fields.stamp, make_stamp(this_cpu::current()->number(), tick));
  queue.put_due(tick);
  if (queue.has_ready()) end_turn();
}

void Scheduler::exit(Ending ending) {
  disable_interrupts();
  RunQueue& queue = own_queue();
  queue.lock().lock();
  Thread& self = *this_cpu::current();
  self.state_ = Thread::State::ended;
  self.ending_ = ending;
  switch_away(queue);
  panic("a thread runs that has ended");
}

/// Runs on the stack of the thread that follows.
void Scheduler::announce_end(Thread& thread) {
  const Locked guard(ends_lock_);
  thread.has_ended_ = true;
  if (thread.joiner_ != nullptr) wake(*thread.joiner_);
}

Ending Scheduler::wait_for_end(Thread& thread) {
  const Locked guard(ends_lock_);
  thread.joiner_ = this_cpu::current();
  while (!thread.has_ended_) sleep(ends_lock_);
  return thread.ending_;
}

void Scheduler::run_new_thread() {
  finish_switch();
  enable_interrupts();
  Thread& self = *this_cpu::current();
  self.function_(self.argument_);
  thread_exit();
}

bool Scheduler::is_deciding() const {
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const RunQueue& queue) { return queue.lock().is_held_here(); });
}

bool Scheduler::has_work() {
  if (own_queue().has_ready()) return true;
  return std::any_of(queues_.begin(), queues_.end(),
                     [](const RunQueue& queue) { return queue.has_movable(); });
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
    tlb::leave_idle();  // a spurious interrupt has not done it
    scheduler.yield();
    // First announce that this CPU is idle, then look for work: a thread that makes another one
    // ready looks for idle CPUs after that.
    tlb::enter_idle();
    if (!scheduler.has_work()) {
      wait_for_interrupt();
    } else {  // its lock was held, or it has just become ready
      tlb::leave_idle();
      enable_interrupts();
      pause();
    }
  }
}

}  // namespace kmapper::kernel
