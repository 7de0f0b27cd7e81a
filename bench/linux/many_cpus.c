// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of several CPUs: a thread bound to each CPU does the same number of operations. All
 * begin together, and the row is the time from the first begin to the last end, divided by the
 * operations of all threads. A round does each row on one CPU, then on two; the median of the
 * rounds counts. The pages, and their order, are those of kmapper's job=scale.
 */
#include <asm/msr.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "kmap_bench.h"
#include "sequences.h"

enum { kMostCpus = 2, kPages = 16384, kEveryCpu = 8, kHitPages = 16 };

struct worker {
  struct page** sequence; /* of kSmall */
  u64 begin;
  u64 end;
};

static struct worker workers[kMostCpus];
static batch_function* batch;
static u32 laps;
static u32 cpus;
static atomic_t at_start;
static atomic_t done;
static atomic_t left; /* threads that may still read the above */
static DECLARE_COMPLETION(all_done);

static void wait_for_all(atomic_t* there) {
  atomic_inc(there);
  while (atomic_read(there) != cpus) cpu_relax();
}

static int work(void* data) {
  struct worker* worker = data;
  batch(worker->sequence, kSmall, 1);
  wait_for_all(&at_start);
  worker->begin = rdtsc();
  batch(worker->sequence, kSmall, laps);
  worker->end = rdtsc();
  wait_for_all(&done);
  if (atomic_dec_and_test(&left)) complete(&all_done);
  return 0;
}

/* Starts the threads of a run, on the CPUs from 0 on. 0, or an error. */
static int start_threads(void) {
  struct task_struct* threads[kMostCpus];
  u32 at;
  for (at = 0; at < cpus; ++at) {
    threads[at] = kthread_create(work, &workers[at], "kmap_bench/%u", at);
    if (IS_ERR(threads[at])) {
      const int error = PTR_ERR(threads[at]);
      while (at-- > 0) kthread_stop(threads[at]);
      return error;
    }
    kthread_bind(threads[at], at);
  }
  for (at = 0; at < cpus; ++at) wake_up_process(threads[at]);
  return 0;
}

static void own_pages(struct page* const* pages, u32 cpu, struct page** sequence) {
  u32 at;
  for (at = 0; at < kSmall; ++at) sequence[at] = pages[cpu * kHitPages + at % kHitPages];
}

static void one_page(struct page* const* pages, u32 cpu, struct page** sequence) {
  u32 at;
  for (at = 0; at < kSmall; ++at) sequence[at] = pages[0];
}

static void pages_in_turn(struct page* const* pages, u32 cpu, struct page** sequence) {
  const u32 own = kPages / kEveryCpu;
  u32 at;
  for (at = 0; at < kSmall; ++at) sequence[at] = pages[cpu * own + at % own];
}

static void mix(struct page* const* pages, u32 cpu, struct page** sequence) {
  struct SequenceRandom random = sequence_seed(cpu + 1);
  u32 at;
  for (at = 0; at < kSmall; ++at)
    sequence[at] = pages[sequence_mix(&random, kPages, kHotPages, 90)];
}

static const struct row {
  const char* name;
  void (*fill)(struct page* const* pages, u32 cpu, struct page** sequence);
  batch_function* batch;
} rows[] = {{"loop", own_pages, nothing}, /* the loop's own cost */
            {"hits-own-pages", own_pages, kmap_read},
            {"hits-one-page", one_page, kmap_read},
            {"misses", pages_in_turn, kmap_read},
            {"mix", mix, kmap_read}};

struct rounds {
  u64 counts[kMostRounds];
  struct cost all; /* the events in all rounds, including the lap before the clock starts */
};

static struct rounds results[ARRAY_SIZE(rows)][kMostCpus];

/* A round of one row on `cpus` CPUs. 0, or an error. */
static int run(const struct row* row, struct page* const* pages, struct rounds* result, u32 round) {
  struct cost begin;
  struct cost spent;
  u64 first = U64_MAX;
  u64 last = 0;
  u32 at;
  int error;
  batch = row->batch;
  for (at = 0; at < cpus; ++at) row->fill(pages, at, workers[at].sequence);
  atomic_set(&at_start, 0);
  atomic_set(&done, 0);
  atomic_set(&left, cpus);
  reinit_completion(&all_done);
  begin = cost_now();
  error = start_threads();
  if (error != 0) return error;
  wait_for_completion(&all_done);
  spent = cost_since(begin);
  for (at = 0; at < cpus; ++at) {
    first = min(first, workers[at].begin);
    last = max(last, workers[at].end);
  }
  result->counts[round] = last - first;
  result->all.invlpgs += spent.invlpgs;
  result->all.full_flushes += spent.full_flushes;
  result->all.ipis += spent.ipis;
  return 0;
}

static int compare_counts(const void* left, const void* right) {
  const u64 a = *(const u64*)left;
  const u64 b = *(const u64*)right;
  return a < b ? -1 : a > b;
}

static void print_result(const struct row* row, u32 count, struct rounds* result) {
  const u64 operations = (u64)count * laps * kSmall;
  const u64 all = (u64)count * rounds * (laps + 1) * kSmall;
  struct cost cost = result->all;
  char name[32];
  sort(result->counts, rounds, sizeof(result->counts[0]), compare_counts, NULL);
  cost.counts = result->counts[rounds / 2];
  scnprintf(name, sizeof(name), "%s-cpus-%u", row->name, count);
  print_row(name, cost, 0, operations, all);
}

static int all_rows(struct page* const* pages) {
  u32 round;
  u32 at;
  memset(results, 0, sizeof(results));
  for (round = 0; round < rounds; ++round) {
    for (at = 0; at < ARRAY_SIZE(rows); ++at) {
      for (cpus = 1; cpus <= kMostCpus; ++cpus) {
        const int error = run(&rows[at], pages, &results[at][cpus - 1], round);
        if (error != 0) return error;
      }
    }
  }
  for (at = 0; at < ARRAY_SIZE(rows); ++at) {
    u32 count;
    for (count = 1; count <= kMostCpus; ++count)
      print_result(&rows[at], count, &results[at][count - 1]);
  }
  return 0;
}

static int turn_pauses(void* data) {
  while (!kthread_should_stop()) {
    cpu_relax();
    cond_resched();
  }
  return 0;
}

/*
 * Brings up the CPUs that the kernel has left off (maxcpus=1). Under QEMU's -icount CPUs take
 * turns, and a turn ends early when a CPU executes PAUSE. Waiting loops without PAUSE would use up
 * every turn, so a thread here executes PAUSE all the time meanwhile.
 */
static int bring_cpus_up(void) {
  struct task_struct* pausing = kthread_create(turn_pauses, NULL, "kmap_bench/pause");
  int error = 0;
  u32 cpu;
  if (IS_ERR(pausing)) return PTR_ERR(pausing);
  kthread_bind(pausing, 0);
  wake_up_process(pausing);
  for (cpu = 1; cpu < kMostCpus && error == 0; ++cpu) {
    if (!cpu_online(cpu)) error = add_cpu(cpu);
  }
  kthread_stop(pausing);
  return error;
}

int many_cpu_rows(u32 operations) {
  struct page** pages;
  int error;
  u32 cpu;
  if (num_present_cpus() < kMostCpus) return -ENODEV;
  error = bring_cpus_up();
  if (error != 0) return error;
  laps = (operations - 1) / kSmall + 1;
  pages = take_high_pages(kPages);
  for (cpu = 0; cpu < kMostCpus; ++cpu)
    workers[cpu].sequence = kvmalloc_array(kSmall, sizeof(struct page*), GFP_KERNEL);
  error = pages && workers[0].sequence && workers[1].sequence ? all_rows(pages) : -ENOMEM;
  for (cpu = 0; cpu < kMostCpus; ++cpu) kvfree(workers[cpu].sequence);
  free_high_pages(pages, kPages);
  return error;
}
