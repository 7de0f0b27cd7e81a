/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the module share: a batch of operations, what it cost, and how a row is
 * printed.
 */
#pragma once

#include <linux/mm.h>
#include <linux/types.h>

enum { kMostPages = 65536, kSmall = 4096, kHotPages = 128, kMostRounds = 99 };

/* How often a batch of one CPU is measured, the cheapest counts; and a row of several, the median
 * counts. */
extern unsigned int batches;
extern unsigned int rounds;

/* Does an operation on each page of a sequence, `rounds` times over. */
typedef void batch_function(struct page* const* sequence, u32 length, u32 rounds);

/* Defines `name`, a batch of `operation`. Out of line, so that the loop around every operation, and
 * around none, is the same. */
#define DEFINE_BATCH(name, operation)                                        \
  noinline void name(struct page* const* sequence, u32 length, u32 rounds) { \
    u32 round;                                                               \
    u32 at;                                                                  \
    for (round = 0; round < rounds; ++round) {                               \
      for (at = 0; at < length; ++at) operation(sequence[at]);               \
    }                                                                        \
  }                                                                          \
  extern batch_function name

extern batch_function nothing, kmap_read;

/* Counts of the time-stamp counter, and what happened meanwhile; the latter only while probes are
 * on. */
struct cost {
  u64 counts;
  u64 invlpgs;
  u64 full_flushes;
  u64 ipis;
};

/* What happened so far (counts: the time-stamp counter now). */
struct cost cost_now(void);

/* What happened since `begin`. */
struct cost cost_since(struct cost begin);

/* From now on TLB flushes are counted, and rows print these instead of time. 0, or an error. */
int probes_on(void);
void probes_off(void);

/* Prints a row: time, less the `loop`'s, shared out among `operations`; or what happened, among
 * `all_operations`, which are more where the clock does not run from the first. */
void print_row(const char* name, struct cost cost, u64 loop, u64 operations, u64 all_operations);

/* `count` pages of high memory in an array, or NULL where there are not as many. */
struct page** take_high_pages(u32 count);
void free_high_pages(struct page** pages, u32 count);

/* The rows of one CPU, and those that several share. 0, or an error. */
int one_cpu_rows(u32 operations);
int many_cpu_rows(u32 operations);
