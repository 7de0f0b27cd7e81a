#include "kernel/sched/thread.hpp"

#include <new>

#include "arch/paging.hpp"
#include "kernel/lib/console.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/mm/kernel_stack.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/mutex.hpp"
#include "kernel/sched/preemption.hpp"
#include "kernel/sched/scheduler.hpp"

namespace kmapper::kernel {
namespace {

Thread* thread_on_stack(StackNumber stack) {
  return static_cast<Thread*>(to_pointer(stack_end(stack))) - 1;
}

Thread* make_thread(std::string_view name, Thread::Kind kind) {
  const std::optional<StackNumber> stack = allocate_stack();
  if (!stack) return nullptr;
  return new (thread_on_stack(*stack)) Thread(name, to_number(*stack), kind);
}

void enter_new_thread() { scheduler.run_new_thread(); }

// Newest lock first: each lock links to the one that was taken before it.
void release_spinlocks() {
  for (;;) {
    Spinlock* const lock = this_cpu::read(this_cpu::fields.last_lock);
    if (lock == nullptr) return;
    (void)lock->unlock_keeping_interrupts_off();
  }
}

void release_mutexes() {
  while (Mutex* const mutex = this_cpu::current()->last_mutex()) mutex->unlock();
}

// A thread that sleeps with a spinlock held, in an interrupt or with preemption off would stop
// other threads, too.
void check_may_sleep(std::string_view call) {
  if (may_sleep()) return;
  print("{} where the caller may not sleep, in thread {} \"{}\"\n", call,
        this_cpu::current()->number(), this_cpu::current()->name());
  thread_die();
}

// The addresses of the thread's local mappings belong to this CPU.
void check_may_move() {
  if (local_maps.depth() == 0) return;
  print("thread_move_to with a local mapping, in thread {} \"{}\"\n", this_cpu::current()->number(),
        this_cpu::current()->name());
  thread_die();
}

}  // namespace

Thread* thread_create(std::string_view name, Thread::Function function, void* argument) {
  Thread* const thread = make_thread(name, Thread::Kind::common);
  if (thread == nullptr) return nullptr;
  thread->function_ = function;
  thread->argument_ = argument;
  thread->context_ = make_context(thread, enter_new_thread);
  thread->home_.store(this_cpu::number(), std::memory_order_relaxed);
  scheduler.wake(*thread);
  return thread;
}

Thread* make_idle_thread() { return make_thread("idle", Thread::Kind::idle); }

Ending thread_join(Thread& thread) {
  check_may_sleep("thread_join");
  const Ending ending = scheduler.wait_for_end(thread);
  free_stack(StackNumber{thread.number()});
  return ending;
}

void thread_exit() {
  local_maps.expect_depth(0);
  scheduler.exit(Ending::returned);
}

void thread_die() {
  disable_interrupts();
  if (!can_die()) panic("there is no thread to end");
  Thread& self = *this_cpu::current();
  ConsoleHeld::release_for_good();
  release_spinlocks();
  this_cpu::write(this_cpu::fields.preemption_off, 0U);
  enable_interrupts();
  release_mutexes();
  const std::uint32_t pins = release_pins_of(self) + local_maps.unwind(0);
  print("thread {} \"{}\" ends; {} of its pins released\n", self.number(), self.name(), pins);
  scheduler.exit(Ending::died);
}

bool can_die() {
  const Thread* const self = this_cpu::current();
  return self != nullptr && !self->is_idle() && !in_interrupt() && !scheduler.is_deciding();
}

void* thread_stack_top(Thread& thread) { return &thread; }

void thread_yield() {
  check_may_sleep("thread_yield");
  scheduler.yield();
}

void thread_move_to(CpuNumber cpu) {
  check_may_sleep("thread_move_to");
  check_may_move();
  scheduler.move_to(cpu);
}

void thread_roam() { scheduler.roam(); }

void thread_sleep(std::uint32_t ticks) {
  check_may_sleep("thread_sleep");
  scheduler.sleep_until(scheduler.now() + ticks);
}

// The thread may end during the call. So the call looks through the direct map, with interrupts
// disabled: the stack's page is freed only after every CPU has answered that it has dropped the
// translation.
std::string_view name_of_thread(std::uint32_t number) {
  if (number == 0) return "idle";
  if (number > kMaxStacks) return "ended";
  const InterruptsOff until_read;
  const auto thread = translate(to_virt(thread_on_stack(StackNumber{number})));
  return thread ? static_cast<const Thread*>(phys_to_direct(*thread))->name() : "ended";
}

}  // namespace kmapper::kernel
