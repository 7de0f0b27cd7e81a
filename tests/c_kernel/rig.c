// The conformance suite's rig (conformance/c_rig.h): what the suite needs of this kernel.
#include "conformance/c_rig.h"

#include "hooks.h"

// --- What every rig has

enum { PAGES = KMAPPER_MAX_SLOTS + 32, MAX_SPAWNED = 40 };

static struct page* high[PAGES];

uint32_t kmapper_rig_pages(void) { return PAGES; }
kmapper_page kmapper_rig_page(uint32_t number) { return high[number]; }
uint32_t kmapper_rig_slots(void) { return 32; }
void kmapper_rig_print(const char* text) { print("%s", text); }

static struct page* take_page(void) {
  struct page* const page = alloc_page();
  if (!page || !kmapper_port_is_high(page)) panic("no high page is left");
  return page;
}

// --- What a rig may have

static struct page* low;

kmapper_page kmapper_rig_low_page(void) { return low; }

bool kmapper_rig_read(const void* address, uint32_t* value) {
  const struct probed seen = probe(address);
  *value = seen.value;
  return seen.mapped;
}

void kmapper_rig_interrupt(void (*function)(void*), void* argument) {
  in_interrupt(function, argument);
}

struct call {
  void (*function)(void*);
  void* argument;
  bool done;
};

static int make_call(void* call_to_make) {
  const struct call* const call = call_to_make;
  call->function(call->argument);
  return 0;
}

bool kmapper_rig_spawn(void (*function)(void*), void* argument) {
  static struct call spawned[MAX_SPAWNED];
  static uint32_t count;
  const uint32_t mine = __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  if (mine >= MAX_SPAWNED) return false;
  spawned[mine] = (struct call){function, argument, false};
  thread_start(make_call, &spawned[mine]);
  return true;
}

void kmapper_rig_yield(void) { yield(); }

// One thread for each CPU makes the calls there. It stays there because it holds a local mapping.
static struct worker {
  struct spinlock lock;
  bool has_cpu;
  struct call* call;  // what it is to make now, or NULL
} workers[MAX_CPUS];
static uint32_t settled;

static struct worker* settle_on_a_free_cpu(void) {
  struct page* const page = take_page();
  for (;; relax()) {
    interrupts_off();
    struct worker* const mine = &workers[cpu_number()];
    const bool is_free = !mine->has_cpu;
    mine->has_cpu = true;
    if (is_free) kmapper_kmap_local(page);
    interrupts_restore();
    if (is_free) return mine;
  }
}

static void make_calls(struct worker* mine) {
  spin_lock(&mine->lock);
  for (;;) {
    while (!mine->call) sleep(mine, &mine->lock);
    struct call* const call = mine->call;
    spin_unlock(&mine->lock);
    make_call(call);
    spin_lock(&mine->lock);
    mine->call = NULL;
    call->done = true;
    wakeup(mine);
  }
}

static int work(void* unused) {
  (void)unused;
  struct worker* const mine = settle_on_a_free_cpu();
  __atomic_fetch_add(&settled, 1, __ATOMIC_SEQ_CST);
  // Nobody sleeps before all have settled: one that did would leave its CPU to two others.
  while (__atomic_load_n(&settled, __ATOMIC_SEQ_CST) < cpu_count) relax();
  make_calls(mine);
  return 0;
}

bool kmapper_rig_run_on(uint32_t cpu, void (*function)(void*), void* argument) {
  if (cpu >= cpu_count) return false;
  struct worker* const worker = &workers[cpu];
  struct call call = {function, argument, false};
  spin_lock(&worker->lock);
  while (worker->call) sleep(worker, &worker->lock);  // another thread's
  worker->call = &call;
  wakeup(worker);
  while (!call.done) sleep(worker, &worker->lock);
  spin_unlock(&worker->lock);
  return true;
}

// --- The kernel's jobs, of jobs.c

void test_threads(void) {
  for (uint32_t i = 0; i < PAGES; ++i) high[i] = take_page();
  low = alloc_direct_page();
  share_vmap_table();
  kmapper_open_vmap(64);
  for (uint32_t i = 0; i < cpu_count; ++i) thread_start(work, NULL);
  while (__atomic_load_n(&settled, __ATOMIC_SEQ_CST) < cpu_count) yield();
  const int failed = kmapper_run_conformance();
  print(failed == 0 ? "PASS\n" : "FAIL\n");
  power_off(failed == 0 ? 0 : 1);
}
void run_processes(void) {}
void fill_memory(void) {}
