// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures Linux's own kmap: the loaded module runs its rows, prints them, and ends QEMU by its
 * isa-debug-exit device. If the load fails, the module says why, and the machine goes on.
 */
#include <asm/io.h>
#include <asm/tsc.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "kmap_bench.h"

enum { kExitPort = 0xf4 };

static unsigned int ops = kSmall;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "operations in a batch, rounded up to whole rounds of the sequence");

unsigned int batches = 5;
module_param(batches, uint, 0444);
MODULE_PARM_DESC(batches, "how often a batch is measured; the cheapest counts");

unsigned int rounds = 9;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "how often a row of several CPUs is measured, 1 to 99; the median counts");

static bool cpus;
module_param(cpus, bool, 0444);
MODULE_PARM_DESC(cpus, "measure the rows that several CPUs share, instead of those of one");

static bool tlb;
module_param(tlb, bool, 0444);
MODULE_PARM_DESC(tlb, "then count TLB flushes, in a second pass");

struct page** take_high_pages(u32 count) {
  struct page** pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
  u32 at;
  if (pages == NULL) return NULL;
  for (at = 0; at < count; ++at) {
    pages[at] = alloc_page(GFP_HIGHUSER);
    if (pages[at] == NULL || !PageHighMem(pages[at])) {
      free_high_pages(pages, count);
      return NULL;
    }
  }
  return pages;
}

void free_high_pages(struct page** pages, u32 count) {
  u32 at;
  if (pages == NULL) return;
  for (at = 0; at < count; ++at) {
    if (pages[at]) __free_page(pages[at]);
  }
  kvfree(pages);
}

static int __init start(void) {
  int (*const rows)(u32) = cpus ? many_cpu_rows : one_cpu_rows;
  int error = ops > 0 && batches > 0 && rounds > 0 && rounds <= kMostRounds ? 0 : -EINVAL;
  pr_info("unit counts; %u slots; %llu counts a second\n", LAST_PKMAP, 1000ULL * tsc_khz);
  if (error == 0) error = rows(ops);
  if (error == 0 && tlb) {
    error = probes_on();
    if (error == 0) {
      error = rows(ops);
      probes_off();
    }
  }
  if (error != 0) return error;
  pr_info("PASS\n");
  outb(0, kExitPort);
  return 0;
}
module_init(start);

static void __exit stop(void) {}
module_exit(stop);

MODULE_DESCRIPTION("Measures kmap(), kmap_local_page() and vmap()");
MODULE_LICENSE("GPL");
