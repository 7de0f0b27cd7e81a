// The order in which the kernel comes up.
#include "kernel.h"
#include "kmapper/kernel.h"

void kernel_main(uint32_t magic, uint32_t info);

static int run_jobs(void* unused) {
  (void)unused;
  test_threads();
  run_processes();
  fill_memory();
  print("done\n");
  power_off(0);
}

void kernel_main(uint32_t magic, uint32_t info) {
  console_init();
  trap_init();
  idle_threads_init();
  cpu_init(0);
  if (magic != 0x2BADB002) panic("not started by a Multiboot loader");
  share_table(WINDOW, window_table);
  kmapper_open(KMAPPER_MAX_SLOTS);
  memory_init((const struct multiboot*)(KERNEL_BASE + info));
  cpu_start_others();
  thread_start(run_jobs, NULL);
  idle();
}
