// Vectors 0 to 31 are the CPU's exceptions; interrupts.hpp lists the interrupts. Nothing else is
// expected except spurious interrupts: a controller sends one when a request vanishes before it is
// taken. These are not answered (SDM 3A 10.9).
#include "traps.hpp"

#include "arch/interrupts.hpp"
#include "arch/per_cpu.hpp"
#include "arch/tlb.hpp"
#include "kernel/mm/highmem.hpp"
#include "kernel/panic.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/user/process.hpp"
#include "kernel/user/syscall.hpp"
#include "local_apic.hpp"
#include "pic.hpp"
#include "segments.hpp"

namespace kmapper::kernel {

extern "C" const unsigned char trap_stubs[];

namespace {

// SDM 3A 6.11, "IDT Descriptors".
struct Gate {
  std::uint16_t offset_low, selector, flags, offset_high;
};
constexpr std::uint16_t kInterruptGate = 0x8E00;  // present, ring 0; disables interrupts
constexpr std::uint16_t kUserMay = 3U << 13;      // an INT instruction in ring 3 may raise it
constexpr std::uint16_t kTaskGate = 0x8500;

constexpr std::size_t kVectors = 256;
constexpr std::size_t kStubSize = 16;

constinit Gate gates[kVectors]{};
constinit InterruptHandler handlers[kVectors]{};

struct [[gnu::packed]] TableRegister {
  std::uint16_t limit;
  std::uint32_t base;
};

constexpr std::uint32_t kPicSpuriousVector = kPicFirstVector + 7;

bool is_of_pic(std::uint32_t vector) {
  return vector >= kPicFirstVector && vector < kPicFirstVector + kPicLines;
}

bool is_spurious(std::uint32_t vector) {
  return vector == kSpuriousVector || (vector == kPicSpuriousVector && pic_is_spurious());
}

// Interrupts are disabled, but the depth is counted all the same: in_interrupt() reads it.
void handle_interrupt(std::uint32_t vector) {
  this_cpu::increment(this_cpu::fields.interrupt_depth);
  tlb::leave_idle();
  if (handlers[vector] == nullptr) panic("interrupt vector {} has no handler", vector);
  const std::uint32_t local_depth = local_maps.depth();
  handlers[vector]();
  local_maps.expect_depth(local_depth);
  if (is_of_pic(vector)) {
    pic_end_of_interrupt();
  } else if (vector != static_cast<std::uint32_t>(Interrupt::software)) {
    local_apic_end_of_interrupt();
  }
  (void)this_cpu::decrement(this_cpu::fields.interrupt_depth);
  preempt_from_interrupt();
}

}  // namespace

extern "C" void handle_trap(TrapFrame* frame) {
  tlb::leave_user();
  if (frame->vector < kExceptions) {
    handle_exception(*frame);
  } else if (frame->vector == kSyscallVector) {
    enable_interrupts();
    frame->eax = syscall(frame->eax, {frame->edx, frame->ecx, frame->ebx, frame->esi});
  } else if (!is_spurious(frame->vector)) {
    handle_interrupt(frame->vector);
  }
  if (!frame->is_of_user()) return;
  process_end_if_told();
  disable_interrupts();
  tlb::enter_user();
}

void traps_init() {
  for (std::size_t i = 0; i < kVectors; ++i) {
    const std::uint32_t stub = to_number(to_virt(trap_stubs + i * kStubSize));
    gates[i] = {static_cast<std::uint16_t>(stub), static_cast<std::uint16_t>(Selector::code),
                kInterruptGate, static_cast<std::uint16_t>(stub >> 16)};
  }
  for (const std::size_t vector :
       {static_cast<std::size_t>(Exception::breakpoint),
        static_cast<std::size_t>(Exception::overflow), static_cast<std::size_t>(kSyscallVector)}) {
    gates[vector].flags |= kUserMay;
  }
  gates[static_cast<std::size_t>(Exception::double_fault)] = {
      0, static_cast<std::uint16_t>(Selector::double_fault_task), kTaskGate, 0};
}

void traps_load() {
  const TableRegister idt{sizeof gates - 1, to_number(to_virt(gates))};
  asm volatile("lidt %0" ::"m"(idt));
}

void enable_serial_interrupt() {
  const InterruptsOff bounded;
  local_apic_accept_pic();
  pic_unmask(static_cast<std::uint32_t>(Interrupt::serial) - kPicFirstVector);
}

void set_interrupt_handler(Interrupt interrupt, InterruptHandler handler) {
  handlers[static_cast<std::size_t>(interrupt)] = handler;
}

}  // namespace kmapper::kernel
