// Each CPU's own part of the machine: segments, the local APIC and its timer; and the start of the
// other CPUs. (Intel SDM 3A 3.4, 7.2 and 10; MultiProcessor Specification 1.4, chapter 4)
#include "kernel.h"

enum { APIC = 0xFEE00000 };
enum {  // its registers
  APIC_ID = 0x20,
  APIC_END_OF_INTERRUPT = 0xB0,
  APIC_SPURIOUS = 0xF0,
  APIC_COMMAND = 0x300,
  APIC_COMMAND_TARGET = 0x310,
  APIC_TIMER = 0x320,
  APIC_LINE0 = 0x350,
  APIC_LINE1 = 0x360,
  APIC_TIMER_START = 0x380,
  APIC_TIMER_DIVIDE = 0x3E0,
};
enum { MASKED = 0x10000, PERIODIC = 0x20000, PENDING = 0x1000, INIT = 0x4500, STARTUP = 0x4600 };

struct cpu cpus[MAX_CPUS];
uint32_t cpu_count = 1;

static uint64_t gdt[FIRST_TSS / 8 + MAX_CPUS] = {0, 0x00CF9A000000FFFF, 0x00CF92000000FFFF,
                                                 0x00CFFA000000FFFF, 0x00CFF2000000FFFF};

static uint32_t starting_cpu;
uint32_t starting_stack;  // for trampoline.S
static uint32_t all_started;

extern uint8_t trampoline[], trampoline_end[];
void other_cpu_main(void);

static uint32_t apic_read(uint32_t at) { return *(volatile uint32_t*)(APIC + at); }
static void apic_write(uint32_t at, uint32_t value) { *(volatile uint32_t*)(APIC + at) = value; }

static void load_segments(uint32_t number) {
  struct task_state* const state = &cpus[number].task_state;
  const uint64_t base = (uint32_t)state;
  gdt[FIRST_TSS / 8 + number] =
      (sizeof *state - 1) | (base & 0xFFFFFF) << 16 | (uint64_t)0x89 << 40 | (base >> 24) << 56;
  state->segment0 = KERNEL_DATA;
  state->port_map = sizeof *state;
  const struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) descriptor = {sizeof gdt - 1, (uint32_t)gdt};
  asm volatile(
      "lgdt %0\n"
      "ljmp %1, $1f\n"
      "1: movl %2, %%ds; movl %2, %%es; movl %2, %%ss\n"
      "ltr %w3"
      :
      : "m"(descriptor), "i"(KERNEL_CODE), "r"(KERNEL_DATA), "r"(FIRST_TSS + 8 * number)
      : "memory");
}

void cpu_init(uint32_t number) {
  load_segments(number);
  trap_load();
  if (number == 0) map_device(APIC);
  cpus[number].apic_id = apic_read(APIC_ID) >> 24;
  apic_write(APIC_SPURIOUS, 0x100 | SPURIOUS_VECTOR);  // and turns the APIC on
  apic_write(APIC_LINE0, MASKED);                      // nothing comes from the old controllers
  apic_write(APIC_LINE1, MASKED);
  apic_write(APIC_TIMER_DIVIDE, 0xB);  // by 1
  apic_write(APIC_TIMER, PERIODIC | TIMER_VECTOR);
  apic_write(APIC_TIMER_START, TICK);
}

void end_of_interrupt(void) { apic_write(APIC_END_OF_INTERRUPT, 0); }

static void send_command(uint32_t apic_id, uint32_t command) {
  interrupts_off();  // another command between the two halves would take the first one's target
  apic_write(APIC_COMMAND_TARGET, apic_id << 24);
  apic_write(APIC_COMMAND, command);
  while (apic_read(APIC_COMMAND) & PENDING) relax();
  interrupts_restore();
}

void send_interrupt(const struct cpu* to, uint32_t vector) { send_command(to->apic_id, vector); }

static void wait_microseconds(uint32_t count) {
  while (count--) in8(0x80);  // a port that nothing answers: about a microsecond
}

static void start_cpu(uint32_t number) {
  struct cpu* const cpu = &cpus[number];
  starting_cpu = number;
  starting_stack = (uint32_t)(cpu->idle->stack + STACK_SIZE);
  send_command(cpu->apic_id, INIT);
  wait_microseconds(10000);
  for (int i = 0; i < 2; ++i) {  // a running CPU ignores the second
    send_command(cpu->apic_id, STARTUP | TRAMPOLINE / PAGE_SIZE);
    wait_microseconds(200);
  }
  while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) relax();
}

void other_cpu_main(void) {
  cpu_init(starting_cpu);
  __atomic_store_n(&this_cpu()->online, 1, __ATOMIC_RELEASE);
  while (!__atomic_load_n(&all_started, __ATOMIC_ACQUIRE)) relax();
  load_directory(kernel_directory);
  idle();
}

// The CPUs stand in the firmware's MP table, in the last 64 KiB of the first MiB. ACPI tells the
// same, but puts its tables at the end of RAM, where the direct map does not reach.
static const uint8_t* find_mp_table(void) {
  for (uint32_t at = KERNEL_BASE + 0xF0000; at < KERNEL_BASE + 0x100000; at += 16)
    if (memcmp((const void*)at, "_MP_", 4) == 0)
      return (const uint8_t*)(KERNEL_BASE + ((const uint32_t*)at)[1]);
  return NULL;
}

void cpu_start_others(void) {
  memcpy((void*)(KERNEL_BASE + TRAMPOLINE), trampoline, (size_t)(trampoline_end - trampoline));
  const uint8_t* const table = find_mp_table();
  const uint32_t entries = table ? *(const uint16_t*)(table + 34) : 0;
  const uint8_t* entry = table + 44;  // those of CPUs come first: type, APIC ID, version, flags
  for (uint32_t i = 0; i < entries && entry[0] == 0 && cpu_count < MAX_CPUS; ++i, entry += 20) {
    if (!(entry[3] & 1) || entry[1] == cpus[0].apic_id) continue;
    cpus[cpu_count].apic_id = entry[1];
    start_cpu(cpu_count++);
  }
  drop_identity_map();
  __atomic_store_n(&all_started, 1, __ATOMIC_RELEASE);
  load_directory(kernel_directory);
  print("CPUs: %u\n", cpu_count);
}
