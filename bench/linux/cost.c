// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of operations. Time is the time-stamp counter's, which counts instructions under QEMU's
 * -icount shift=0. Kprobes on the kernel's own functions count TLB flushes, in a separate run,
 * because a probe costs time: flush_tlb_one_kernel() is one INVLPG, native_flush_tlb_global() one
 * full flush on one CPU.
 */
#include <asm/msr.h>
#include <linux/hardirq.h>
#include <linux/kprobes.h>
#include <linux/math64.h>
#include <linux/printk.h>

#include "kmap_bench.h"

static atomic64_t invlpgs;
static atomic64_t full_flushes;
static bool probing;

static int count_invlpg(struct kprobe* probe, struct pt_regs* registers) {
  atomic64_inc(&invlpgs);
  return 0;
}

static int count_full_flush(struct kprobe* probe, struct pt_regs* registers) {
  atomic64_inc(&full_flushes);
  return 0;
}

static struct kprobe probes[] = {
    {.symbol_name = "flush_tlb_one_kernel", .pre_handler = count_invlpg},
    {.symbol_name = "native_flush_tlb_global", .pre_handler = count_full_flush},
};

int probes_on(void) {
  u32 at;
  for (at = 0; at < ARRAY_SIZE(probes); ++at) {
    const int error = register_kprobe(&probes[at]);
    if (error != 0) {
      while (at-- > 0) unregister_kprobe(&probes[at]);
      return error;
    }
  }
  probing = true;
  return 0;
}

void probes_off(void) {
  u32 at;
  for (at = 0; at < ARRAY_SIZE(probes); ++at) unregister_kprobe(&probes[at]);
  probing = false;
}

struct cost cost_now(void) {
  struct cost now = {.invlpgs = atomic64_read(&invlpgs),
                     .full_flushes = atomic64_read(&full_flushes)};
  int cpu;
  for_each_online_cpu(cpu) now.ipis += per_cpu(irq_stat, cpu).irq_call_count;
  now.counts = rdtsc();
  return now;
}

struct cost cost_since(struct cost begin) {
  const u64 counts = rdtsc();
  struct cost spent = cost_now();
  spent.counts = counts - begin.counts;
  spent.invlpgs -= begin.invlpgs;
  spent.full_flushes -= begin.full_flushes;
  spent.ipis -= begin.ipis;
  return spent;
}

/* "12.34", as two arguments for "%llu.%02u" */
#define HUNDREDTHS(number) div64_u64(number, 100), (u32)((number)-div64_u64(number, 100) * 100)

static void print_flushes(const char* name, struct cost cost, u64 operations) {
  const u64 invlpgs = div64_u64(cost.invlpgs * 100000, operations);
  const u64 full_flushes = div64_u64(cost.full_flushes * 100000, operations);
  const u64 ipis = div64_u64(cost.ipis * 100000, operations);
  pr_info("tlb %s invlpg/1000=%llu.%02u full/1000=%llu.%02u ipi/1000=%llu.%02u\n", name,
          HUNDREDTHS(invlpgs), HUNDREDTHS(full_flushes), HUNDREDTHS(ipis));
}

void print_row(const char* name, struct cost cost, u64 loop, u64 operations, u64 all_operations) {
  const u64 counts = cost.counts > loop ? cost.counts - loop : 0;
  const u64 each = div64_u64(counts * 100, operations);
  if (probing) {
    print_flushes(name, cost, all_operations);
  } else {
    pr_info("bench %s %llu.%02u\n", name, HUNDREDTHS(each));
  }
}
