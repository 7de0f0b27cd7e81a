// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of one CPU. An operation is: map a page, read or write one word of it, unmap it. Pages
 * come from a sequence that is made beforehand; the same loop without the operation is measured
 * too, and subtracted. The cheapest of several batches counts, because interrupts only add. Rows
 * have the same names as in kmapper's own bench.
 */
#include <asm/msr.h>
#include <linux/highmem.h>
#include <linux/sched.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "kmap_bench.h"
#include "sequences.h"

enum { kRun = 16, kNested = 4, kCopied = 64, kOffset = 128 };

static struct page* run[kRun]; /* pages for vmap */
static char buffer[kCopied];

static inline void do_nothing(struct page* page) { asm volatile("" ::"r"(page)); }

static inline void read_word(const void* address) { (void)READ_ONCE(*(const u32*)address); }

static inline void read_mapped(struct page* page) {
  read_word(kmap(page));
  kunmap(page);
}

static inline void write_mapped(struct page* page) {
  WRITE_ONCE(*(u32*)kmap(page), 1);
  kunmap(page);
}

static inline void read_local(struct page* page) {
  void* address = kmap_local_page(page);
  read_word(address);
  kunmap_local(address);
}

static inline void read_nested(struct page* page) {
  void* addresses[kNested];
  u32 at;
  for (at = 0; at < kNested; ++at) {
    addresses[at] = kmap_local_page(page);
    read_word(addresses[at]);
  }
  for (at = kNested; at > 0; --at) kunmap_local(addresses[at - 1]);
}

static inline void read_vmapped(u32 count) {
  const char* address = vmap(run, count, VM_MAP, PAGE_KERNEL);
  u32 at;
  if (address == NULL) return;
  for (at = 0; at < count; ++at) read_word(address + at * PAGE_SIZE);
  vunmap(address);
}

static inline void read_first_of_run(struct page* page) { read_vmapped(1); }

static inline void read_run(struct page* page) { read_vmapped(kRun); }

static inline void copy_from(struct page* page) {
  memcpy_from_page(buffer, page, kOffset, kCopied);
}

static inline void copy_to(struct page* page) { memcpy_to_page(page, kOffset, buffer, kCopied); }

/* Copies to the next page. */
static inline void copy_whole(struct page* page) { copy_highpage(page + 1, page); }

DEFINE_BATCH(nothing, do_nothing);
DEFINE_BATCH(kmap_read, read_mapped);
static DEFINE_BATCH(kmap_write, write_mapped);
static DEFINE_BATCH(local, read_local);
static DEFINE_BATCH(local_4_deep, read_nested);
static DEFINE_BATCH(memcpy_from_64, copy_from);
static DEFINE_BATCH(memcpy_to_64, copy_to);
static DEFINE_BATCH(clear_high, clear_highpage);
static DEFINE_BATCH(copy_high, copy_whole);
static DEFINE_BATCH(vmap_1, read_first_of_run);
static DEFINE_BATCH(vmap_16, read_run);

static struct cost cheapest_batch(batch_function* batch, struct page* const* sequence, u32 length,
                                  u32 rounds) {
  struct cost best = {.counts = U64_MAX};
  u32 at;
  batch(sequence, length, 1); /* brings the window and the caches into their usual state */
  for (at = 0; at < batches; ++at) {
    const struct cost begin = cost_now();
    struct cost spent;
    batch(sequence, length, rounds);
    spent = cost_since(begin);
    if (spent.counts < best.counts) best = spent;
    cond_resched();
  }
  return best;
}

/* One row: `batch` on each page of the sequence in turn. */
static void row(const char* name, batch_function* batch, struct page* const* sequence, u32 length,
                u32 operations) {
  const u32 rounds = (operations - 1) / length + 1;
  const u64 all = (u64)rounds * length;
  const struct cost loop = cheapest_batch(nothing, sequence, length, rounds);
  print_row(name, cheapest_batch(batch, sequence, length, rounds), loop.counts, all, all);
}

/* A million turns of two instructions: the time-stamp counter must count 1 for each instruction
 * under -icount shift=0. */
static void clock_row(void) {
  struct cost best = {.counts = U64_MAX};
  u32 at;
  for (at = 0; at < batches; ++at) {
    u32 turns = 1000000;
    const u64 begin = rdtsc();
    u64 counts;
    asm volatile("1: dec %0; jnz 1b" : "+r"(turns)::"cc");
    counts = rdtsc() - begin;
    if (counts < best.counts) best.counts = counts;
  }
  print_row("instruction", best, 0, 2000000, 2000000);
}

static int compare_counts(const void* left, const void* right) {
  const u32 a = *(const u32*)left;
  const u32 b = *(const u32*)right;
  return a < b ? -1 : a > b;
}

/* The cost of single calls of kmap, including the rarest. */
static void percentiles(struct page* const* sequence, u32* costs) {
  static const struct {
    const char* name;
    u32 per_mille;
  } ranks[] = {{"kmap-65536-p50", 500},
               {"kmap-65536-p99", 990},
               {"kmap-65536-p99.9", 999},
               {"kmap-65536-max", 1000}};
  struct cost begin_all;
  struct cost cost;
  u64 clock = U64_MAX; /* the cost of reading the counter */
  u32 at;
  for (at = 0; at < 100; ++at) {
    const u64 begin = rdtsc();
    clock = min(clock, rdtsc() - begin);
  }
  begin_all = cost_now();
  for (at = 0; at < kMostPages; ++at) {
    const u64 begin = rdtsc();
    void* address = kmap(sequence[at]);
    const u64 counts = rdtsc() - begin;
    read_word(address);
    kunmap(sequence[at]);
    costs[at] = (u32)(counts > clock ? counts - clock : 0);
  }
  cost = cost_since(begin_all);
  sort(costs, kMostPages, sizeof(costs[0]), compare_counts, NULL);
  for (at = 0; at < ARRAY_SIZE(ranks); ++at) {
    const u32 rank = min_t(
        u32,
        kMostPages / 1000 * ranks[at].per_mille + kMostPages % 1000 * ranks[at].per_mille / 1000,
        kMostPages - 1);
    cost.counts = (u64)costs[rank] * kMostPages;
    print_row(ranks[at].name, cost, 0, kMostPages, kMostPages);
  }
}

static void fill(struct page** sequence, struct page* const* pages, u32 count) {
  u32 at;
  for (at = 0; at < kSmall; ++at) sequence[at] = pages[at % count];
}

/* `pinned` of the 512 slots are pinned, by pages of their own. */
static void pinned_row(const char* name, u32 pinned, struct page* const* pages, u32 operations) {
  u32 at;
  for (at = 0; at < pinned; ++at) kmap(pages[kSmall + at]);
  row(name, kmap_read, pages, kSmall, operations);
  for (at = 0; at < pinned; ++at) kunmap(pages[kSmall + at]);
}

/* Rows of pages that lie side by side: `neighbours` is a block of kRun pages. */
static void neighbour_rows(struct page** sequence, struct page* neighbours, u32 operations) {
  u32 at;
  for (at = 0; at < kRun; ++at) run[at] = neighbours + at;
  fill(sequence, run, 1);
  row("local", local, sequence, kSmall, operations);
  row("local-4-deep", local_4_deep, sequence, kSmall, operations);
  row("memcpy-from-64", memcpy_from_64, sequence, kSmall, operations);
  row("memcpy-to-64", memcpy_to_64, sequence, kSmall, operations);
  row("clear-high", clear_high, sequence, kSmall, operations);
  row("copy-high", copy_high, sequence, kSmall, operations);
  /* Many, so that Linux's deferred purge of many areas is included. */
  row("vmap-1", vmap_1, sequence, kSmall, max_t(u32, operations, kMostPages / 2));
  row("vmap-16", vmap_16, sequence, kSmall, operations);
}

static void small_rows(struct page** sequence, struct page* const* pages, u32 operations) {
  fill(sequence, pages, 1);
  row("hit", kmap_read, sequence, kSmall, operations);
  row("hit-write", kmap_write, sequence, kSmall, operations);
  fill(sequence, pages, 256);
  row("hit-256", kmap_read, sequence, kSmall, operations);
  row("miss-4096", kmap_read, pages, kSmall, operations);
  row("local-4096", local, pages, kSmall, operations);
  pinned_row("pinned-256", 256, pages, operations);
  pinned_row("pinned-448", 448, pages, operations);
  pinned_row("pinned-496", 496, pages, operations);
}

static void big_rows(struct page** sequence, struct page* const* pages, u32* numbers,
                     u32 operations) {
  struct SequenceRandom random = sequence_seed(1);
  u32 at;
  row("miss-65536", kmap_read, pages, kMostPages, operations);
  for (at = 0; at < kMostPages; ++at)
    sequence[at] = pages[sequence_mix(&random, kMostPages, kHotPages, 90)];
  row("mix-128-of-65536", kmap_read, sequence, kMostPages, operations);
  random = sequence_seed(1);
  for (at = 0; at < kMostPages; ++at)
    sequence[at] = pages[sequence_mix(&random, kMostPages, kHotPages, 99)];
  row("mix-99-128-of-65536", kmap_read, sequence, kMostPages, operations);
  random = sequence_seed(1);
  sequence_zipf_sums(numbers, kMostPages);
  for (at = 0; at < kMostPages; ++at)
    sequence[at] = pages[sequence_zipf(&random, numbers, kMostPages)];
  row("zipf-65536", kmap_read, sequence, kMostPages, operations);
  percentiles(pages, numbers);
}

int one_cpu_rows(u32 operations) {
  struct page** pages = take_high_pages(kMostPages);
  struct page** sequence = kvmalloc_array(kMostPages, sizeof(*sequence), GFP_KERNEL);
  u32* numbers = kvmalloc_array(kMostPages, sizeof(*numbers), GFP_KERNEL);
  struct page* low = alloc_page(GFP_KERNEL);
  struct page* neighbours = alloc_pages(GFP_HIGHUSER, 4);
  int error = -ENOMEM;
  if (pages && sequence && numbers && low && neighbours && PageHighMem(neighbours)) {
    clock_row();
    fill(sequence, &low, 1);
    row("lowmem", kmap_read, sequence, kSmall, operations);
    small_rows(sequence, pages, operations);
    neighbour_rows(sequence, neighbours, operations);
    big_rows(sequence, pages, numbers, operations);
    error = 0;
  }
  if (neighbours) __free_pages(neighbours, 4);
  if (low) __free_page(low);
  kvfree(numbers);
  kvfree(sequence);
  free_high_pages(pages, kMostPages);
  return error;
}
