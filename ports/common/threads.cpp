#include "threads.hpp"

#include "pages.hpp"
#include "platform.hpp"

namespace port {
namespace {

constexpr uint32_t kMaxThreads = 64;
constexpr uint32_t kStackPages = 4;

SpinLock lock;  // guards what follows
Thread threads[kMaxThreads];
Thread* first = nullptr;  // the queue
Thread** end = &first;
bool is_idle[kMaxCpus];

Thread loops[kMaxCpus];  // each CPU's own

void put(Thread& thread) {
  thread.next = nullptr;
  *end = &thread;
  end = &thread.next;
}

/// Local mappings are in the page-table entries of one CPU.
bool may_run_on(const Thread& thread, uint32_t cpu) {
  if (!thread.local_stack.is_empty()) return thread.last_cpu == cpu;
  return thread.pinned_to == kAnyCpu || thread.pinned_to == cpu;
}

/// The first thread that may run on this CPU, or null.
Thread* take(uint32_t cpu) {
  for (Thread** link = &first; *link != nullptr; link = &(*link)->next) {
    Thread* const thread = *link;
    if (!may_run_on(*thread, cpu)) continue;
    *link = thread->next;
    if (end == &thread->next) end = link;
    return thread;
  }
  return nullptr;
}

/// A thread that has run on this CPU, and whose registers are saved.
void give_back(Thread& thread, uint32_t cpu) {
  thread.last_cpu = cpu;
  thread.is_free = thread.is_over;
  if (!thread.is_over) put(thread);
}

/// Wakes the CPUs that have something to do.
void wake_idle() {
  for (uint32_t cpu = 0; cpu < kMaxCpus; ++cpu) {
    if (!is_idle[cpu]) continue;
    for (const Thread* thread = first; thread != nullptr; thread = thread->next) {
      if (!may_run_on(*thread, cpu)) continue;
      is_idle[cpu] = false;
      machine::wake(cpu);
      break;
    }
  }
}

[[noreturn]] void run_thread() {
  machine::interrupts_on();  // the loop runs without
  running().function(running().argument);
  running().is_over = true;
  for (;;) yield();
}

Thread* find_free() {
  for (Thread& thread : threads) {
    if (thread.is_free) return &thread;
  }
  return nullptr;
}

}  // namespace

Cpu cpus[kMaxCpus];

bool start_thread(void (*function)(void*), void* argument, uint32_t cpu) {
  lock.lock();
  Thread* const thread = find_free();
  if (thread != nullptr) {
    if (thread->top == nullptr)
      thread->top =
          static_cast<char*>(low_address(low_memory.take(kStackPages))) + kStackPages * kPageSize;
    thread->stack = machine::new_stack(thread->top, &run_thread);
    thread->function = function;
    thread->argument = argument;
    thread->pinned_to = cpu;
    thread->is_free = false;
    thread->is_over = false;
    put(*thread);
    wake_idle();
  }
  lock.unlock();
  return thread != nullptr;
}

void yield() {
  const bool were_on = machine::interrupts_are_on();
  machine::interrupts_off();
  machine::switch_stack(&running().stack, loops[machine::cpu()].stack);
  if (were_on) machine::interrupts_on();
}

bool run_on(uint32_t cpu, void (*function)(void*), void* argument) {
  if (cpu >= machine::cpus()) return false;
  const uint32_t before = running().pinned_to;
  running().pinned_to = cpu;
  while (machine::cpu() != cpu) yield();
  function(argument);
  running().pinned_to = before;
  return true;
}

void run_threads() {
  const uint32_t cpu = machine::cpu();
  Thread& loop = loops[cpu];
  cpus[cpu].running = &loop;
  machine::set_own(&cpus[cpu]);
  Thread* last = nullptr;
  for (;;) {
    lock.lock();
    if (last != nullptr) give_back(*last, cpu);
    Thread* const thread = take(cpu);
    is_idle[cpu] = thread == nullptr;
    wake_idle();
    lock.unlock();
    last = thread;
    if (thread == nullptr) {
      machine::idle();
      continue;
    }
    local_maps.switch_stacks(loop.local_stack, thread->local_stack);
    cpus[cpu].running = thread;
    machine::switch_stack(&loop.stack, thread->stack);
    cpus[cpu].running = &loop;
    local_maps.switch_stacks(thread->local_stack, loop.local_stack);
  }
}

}  // namespace port
