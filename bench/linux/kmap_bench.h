/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of the module: a batch of operations, its cost, and the printing of a row.
 */
#pragma once

#include <linux/mm.h>
#include <linux/types.h>

enum { kMostPages = 65536, kSmall = 4096, kHotPages = 128, kMostRounds = 99 };

/* How often a batch of one CPU is measured (the cheapest counts), and a row of several CPUs (the
 * median counts). */
extern unsigned int batches;
extern unsigned int rounds;

/* Does an operation on each page of a sequence, `rounds` times. */
typedef void batch_function(struct page* const* sequence, u32 length, u32 rounds);

/* Defines `name`, a batch of `operation`. Out of line, so that the loop is the same around every
 * operation, and around none. */
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

/* Counts of the time-stamp counter, and of events in that time; the events only while probes are
 * on. */
struct cost {
  u64 counts;
  u64 invlpgs;
  u64 full_flushes;
  u64 ipis;
};

/* The events so far (counts: the time-stamp counter now). */
struct cost cost_now(void);

/* The events since `begin`. */
struct cost cost_since(struct cost begin);

/* From now on TLB flushes are counted, and rows print them instead of time. 0, or an error. */
int probes_on(void);
void probes_off(void);

/* Prints a row: the time without the `loop`, for each of `operations`; or the events, for each
 * of `all_operations`, which include those before the clock starts. */
void print_row(const char* name, struct cost cost, u64 loop, u64 operations, u64 all_operations);

/* `count` pages of high memory in an array, or NULL if there are not as many. */
struct page** take_high_pages(u32 count);
void free_high_pages(struct page** pages, u32 count);

/* The rows of one CPU, and those of several CPUs. 0, or an error. */
int one_cpu_rows(u32 operations);
int many_cpu_rows(u32 operations);
