// Threads, and the one queue of those that are ready. A CPU that finds it empty runs its idle
// thread: the one in which it started.
//
// The scheduler's lock is held over each switch: the thread that switches away takes it, and the
// one that goes on releases it. So no other CPU runs a thread before its registers are saved.
#include "kernel.h"
#include "kmapper/kernel.h"

enum { MAX_THREADS = 64 };  // the first MAX_CPUS are the idle ones

void switch_stacks(uint32_t* saved, uint32_t next);

struct thread threads[MAX_THREADS];
static struct spinlock scheduler_lock;
static struct thread* first_ready;
static struct thread** last_ready = &first_ready;
static volatile uint32_t ticks;  // 497 days until it begins again

static void make_ready(struct thread* thread) {
  thread->state = READY;
  thread->next = NULL;
  *last_ready = thread;
  last_ready = &thread->next;
}

static void call_idle_cpus(void) {
  for (uint32_t i = 0; i < cpu_count; ++i)
    if (cpus[i].current == cpus[i].idle) send_interrupt(&cpus[i], WAKE_VECTOR);
}

static struct thread* take_ready(void) {
  struct thread** at = &first_ready;
  while (*at && (*at)->cpu != cpu_number() && !kmapper_may_migrate(&(*at)->local_stack))
    at = &(*at)->next;
  struct thread* thread = *at;
  if (!thread) return this_cpu()->idle;
  *at = thread->next;
  if (!*at) last_ready = at;
  return thread;
}

// Runs the next thread. Returns when the calling thread's turn comes again, perhaps on another CPU.
static void schedule(void) {
  struct cpu* const cpu = this_cpu();
  if (cpu->off_depth != 1) panic("a thread gives up its CPU, but holds a spinlock");
  struct thread *const from = current_thread(), *const to = take_ready();
  to->state = RUNNING;
  if (to == from) return;
  const bool were_on = cpu->interrupts_were_on;  // belongs to the thread
  cpu->current = to;
  to->cpu = cpu_number();
  cpu->task_state.stack0 = (uint32_t)(to->stack + STACK_SIZE);
  uint32_t* const directory = to->process.directory;
  if (directory != from->process.directory)
    load_directory(directory ? directory : kernel_directory);
  kmapper_switch_stacks(&from->local_stack, &to->local_stack);
  switch_stacks(&from->saved_stack, to->saved_stack);
  this_cpu()->interrupts_were_on = were_on;
}

static void begin(void) {
  this_cpu()->interrupts_were_on = true;
  spin_unlock(&scheduler_lock);
  struct thread* const thread = current_thread();
  thread_exit(thread->function(thread->argument));
}

struct thread* thread_start(int (*function)(void*), void* argument) {
  spin_lock(&scheduler_lock);
  struct thread* thread = threads + MAX_CPUS;
  while (thread < threads + MAX_THREADS && thread->state != UNUSED) ++thread;
  if (thread == threads + MAX_THREADS) panic("more than %u threads", MAX_THREADS);
  thread->function = function;
  thread->argument = argument;
  thread->deadline = UINT64_MAX;
  // What switch_stacks() takes from there: four registers, and where to return.
  uint32_t* const top = (uint32_t*)(thread->stack + STACK_SIZE);
  memset(top - 6, 0, 6 * sizeof *top);
  top[-2] = (uint32_t)begin;
  thread->saved_stack = (uint32_t)(top - 6);
  make_ready(thread);
  call_idle_cpus();
  spin_unlock(&scheduler_lock);
  return thread;
}

void yield(void) {
  spin_lock(&scheduler_lock);
  if (current_thread() != this_cpu()->idle) make_ready(current_thread());
  schedule();
  spin_unlock(&scheduler_lock);
}

static void sleep_locked(const void* channel) {
  struct thread* const thread = current_thread();
  thread->channel = channel;
  thread->state = SLEEPING;
  schedule();
}

static void wakeup_locked(const void* channel) {
  for (struct thread* thread = threads; thread < threads + MAX_THREADS; ++thread)
    if (thread->state == SLEEPING && (thread->channel == channel || thread->deadline <= now()))
      make_ready(thread);
  if (first_ready) call_idle_cpus();
}

// Between the release and the sleep nobody else has the scheduler's lock, so no wakeup is lost.
void sleep(const void* channel, struct spinlock* lock) {
  spin_lock(&scheduler_lock);
  spin_unlock(lock);
  sleep_locked(channel);
  spin_unlock(&scheduler_lock);
  spin_lock(lock);
}

void sleep_until(const void* channel, struct spinlock* lock, uint64_t deadline) {
  current_thread()->deadline = deadline;
  sleep(channel, lock);
  current_thread()->deadline = UINT64_MAX;
}

void wakeup(const void* channel) {
  spin_lock(&scheduler_lock);
  wakeup_locked(channel);
  spin_unlock(&scheduler_lock);
}

uint64_t now(void) { return (uint64_t)ticks * TICK; }

void tick(void) {
  ++ticks;
  wakeup(NULL);  // those whose deadline has come
}

void thread_exit(int result) {
  kmapper_expect_local_depth(0);
  spin_lock(&scheduler_lock);
  struct thread* const thread = current_thread();
  thread->result = result;
  thread->state = FINISHED;
  wakeup_locked(thread);
  schedule();
  panic("a thread goes on after its end");
}

int thread_join(struct thread* thread) {
  spin_lock(&scheduler_lock);
  while (thread->state != FINISHED) sleep_locked(thread);
  const int result = thread->result;
  thread->state = UNUSED;
  spin_unlock(&scheduler_lock);
  return result;
}

void idle_threads_init(void) {
  for (uint32_t i = 0; i < MAX_CPUS; ++i) cpus[i].current = cpus[i].idle = &threads[i];
}

// An interrupt that comes after the look into the queue ends the halt: STI takes effect behind HLT.
void idle(void) {
  for (;;) {
    yield();
    asm volatile("sti; hlt; cli");
  }
}
