// Interrupts, exceptions and system calls, all of which entry.S sends to trap().
#include "kernel.h"

extern const uint8_t vectors[];

static struct gate { uint16_t address_low, selector, kind, address_high; } gates[VECTORS];

void trap(struct trap_frame* frame);

void trap_init(void) {
  for (uint32_t i = 0; i < VECTORS; ++i) {
    const uint32_t address = (uint32_t)vectors + 16 * i;
    // An interrupt gate: interrupts are off at first. Ring 3 may only call the system.
    const uint16_t kind = i == SYSCALL_VECTOR ? 0xEE00 : 0x8E00;
    gates[i] = (struct gate){(uint16_t)address, KERNEL_CODE, kind, (uint16_t)(address >> 16)};
  }
  out8(0x21, 0xFF);  // the old interrupt controllers stay silent
  out8(0xA1, 0xFF);
}

void trap_load(void) {
  const struct {
    uint16_t limit;
    uint32_t base;
  } __attribute__((packed)) descriptor = {sizeof gates - 1, (uint32_t)gates};
  asm volatile("lidt %0" : : "m"(descriptor));
}

static void exception(const struct trap_frame* frame) {
  uint32_t address;
  asm volatile("movl %%cr2, %0" : "=r"(address));
  if ((frame->cs & 3) != 3)
    panic("CPU %u: exception %u at %x, error %x, address %x", cpu_number(), frame->vector,
          frame->eip, frame->error, address);
  asm volatile("sti");
  print("process: exception %u at %x, error %x, address %x\n", frame->vector, frame->eip,
        frame->error, address);
  process_exit(-1);
}

void trap(struct trap_frame* frame) {
  switch (frame->vector) {
    case FLUSH_VECTOR:
      answer_flush();
      break;
    case TIMER_VECTOR:
      if (cpu_number() == 0) tick();
      // fall through
    case WAKE_VECTOR:
      end_of_interrupt();
      yield();
      break;
    case SYSCALL_VECTOR:
      asm volatile("sti");
      frame->eax = system_call(frame);
      break;
    case SPURIOUS_VECTOR:
      break;
    default:
      exception(frame);
  }
}
